// Builds the site from what is in the checkout: `node site/build.mjs [FOLDER]`, or shows it with --serve.
// `npm run docs:site` installs and writes the API reference before.
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { build, serve } from 'vitepress'
import { stage } from './stage.mjs'

const site = fileURLToPath(new URL('.', import.meta.url))
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { serve: { type: 'boolean' }, base: { type: 'string' }, port: { type: 'string' } },
})
if (values.serve && positionals.length > 0) throw new TypeError('--serve shows site/dist: name no folder')
const outDir = resolve(positionals[0] ?? `${site}dist`)
const base = values.base === undefined ? {} : { base: values.base }

stage(resolve(site, '..'), `${site}.pages`)
await build(site, { outDir, ...base })
if (values.serve) await serve({ root: site, port: Number(values.port ?? 4173), ...base })
