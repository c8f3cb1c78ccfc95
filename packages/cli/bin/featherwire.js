#!/usr/bin/env node
/** The command's file that npm links before anything is built. */
import '../dist/main.js';
