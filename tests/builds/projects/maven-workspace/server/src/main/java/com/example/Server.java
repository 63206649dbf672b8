package com.example;

import org.apache.commons.lang3.StringUtils;

public final class Server {
    public static void main(String[] words) throws Exception {
        var jar = StringUtils.class.getProtectionDomain().getCodeSource().getLocation().getPath();
        System.out.println(Text.shout("two modules") + " " + jar.substring(jar.lastIndexOf('/') + 1));
    }
}
