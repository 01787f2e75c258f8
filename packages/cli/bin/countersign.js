#!/usr/bin/env node
import { existsSync } from 'node:fs'

// The published package has a bundle, which starts in a third of the time; a checkout has what the compiler wrote last.
const bundle = new URL('../bundle/countersign.js', import.meta.url)
const { start } = await import(existsSync(bundle) ? bundle.href : '../dist/start.js')
await start(process.argv)
