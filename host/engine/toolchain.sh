#!/usr/bin/env bash
echo rustc
