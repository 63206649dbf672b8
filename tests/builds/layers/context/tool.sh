#!/bin/sh
echo tool SALT
