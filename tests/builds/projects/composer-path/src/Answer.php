<?php

namespace App;

use Example\Doubler\Doubler;
use Example\Greeting\Greeting;
use Example\Words\Words;

final class Answer
{
    public static function text(): string
    {
        return Words::of(Greeting::to("layer " . Doubler::twice(21)));
    }
}
