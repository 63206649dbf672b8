package com.example;

import java.io.IOException;
import java.util.jar.Manifest;
import org.apache.commons.text.WordUtils;

public final class Greeter {
    static String greeting() {
        return WordUtils.capitalize("a layer for each download");
    }

    public static void main(String[] words) throws IOException {
        var stream = Greeter.class.getResourceAsStream("/META-INF/MANIFEST.MF");
        var version = new Manifest(stream).getMainAttributes().getValue("Text-Version");
        System.out.println(greeting() + ", by commons-text " + version);
    }
}
