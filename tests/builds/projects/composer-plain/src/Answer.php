<?php

namespace App;

use Example\Doubler\Doubler;
use Example\Greeting\Greeting;

final class Answer
{
    public static function text(): string
    {
        return Greeting::to("layer " . Doubler::twice(21));
    }
}
