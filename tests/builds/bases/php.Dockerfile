FROM debian:trixie-slim AS php
RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update && apt-get install -y --no-install-recommends php-cli php-curl php-intl php-mbstring php-xml php-zip \
    && ln -s /usr/bin/php /usr/local/bin/php
CMD ["php", "-a"]

# The official image is used as `COPY --from=composer:2 /usr/bin/composer`: one file, which Debian's is not.
FROM php AS pack
RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update && apt-get install -y --no-install-recommends composer
COPY <<'PHP' /tmp/pack.php
<?php
// Debian's Composer and the libraries it is split into, as the one file that it is elsewhere.
$phar = new Phar('/tmp/composer.phar', 0, 'composer.phar');
$phar->startBuffering();
$flags = FilesystemIterator::SKIP_DOTS | FilesystemIterator::FOLLOW_SYMLINKS;
$files = new RecursiveIteratorIterator(new RecursiveDirectoryIterator('/usr/share/php', $flags));
foreach ([...iterator_to_array($files, false), '/usr/bin/composer'] as $file) {
    $inside = preg_replace('~(["\'])/usr/share/php/~', '$1phar://composer.phar/usr/share/php/', file_get_contents($file));
    $phar[substr($file, 1)] = $inside;
    if (str_starts_with($file, '/usr/share/php/data/')) {
        // Debian's Composer looks for the schema of the lock file one folder too high.
        $phar[str_replace('/php/data/', '/data/', substr($file, 1))] = $inside;
    }
}
$phar->setStub(
    "#!/usr/bin/env php\n<?php Phar::mapPhar('composer.phar');"
    . " require 'phar://composer.phar/usr/bin/composer'; __HALT_COMPILER();"
);
$phar->stopBuffering();
PHP
RUN php -d phar.readonly=0 /tmp/pack.php && chmod +x /tmp/composer.phar

FROM php AS composer
RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=locked \
    apt-get update && apt-get install -y --no-install-recommends git unzip
COPY --from=pack /tmp/composer.phar /usr/bin/composer
ENV COMPOSER_ALLOW_SUPERUSER=1 COMPOSER_HOME=/tmp
WORKDIR /app
CMD ["composer"]
