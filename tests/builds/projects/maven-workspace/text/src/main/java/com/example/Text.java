package com.example;

import org.apache.commons.lang3.StringUtils;

public final class Text {
    public static String shout(String word) {
        return StringUtils.upperCase(word);
    }
}
