<?php

namespace Example\Words;

final class Words
{
    public static function of(string $text): string
    {
        return implode(" - ", explode(" ", $text));
    }
}
