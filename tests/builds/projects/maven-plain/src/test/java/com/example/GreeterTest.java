package com.example;

import static org.junit.jupiter.api.Assertions.assertFalse;

import org.junit.jupiter.api.Test;

class GreeterTest {
    @Test
    void greets() {
        assertFalse(Greeter.greeting().isEmpty());
    }
}
