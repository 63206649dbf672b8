<?php

require __DIR__ . "/vendor/autoload.php";

exit(class_exists(App\Answer::class) ? 0 : 1);
