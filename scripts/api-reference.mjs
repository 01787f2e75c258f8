// `npm run docs:api`: the API reference as Markdown, into reference/api/ or the folder that is named.
// TypeDoc needs TypeScript 6, so it has a folder of its own, is no workspace, and is installed only here.
import { existsSync } from 'node:fs'
import { build, install, root, step } from './install.mjs'

const reference = `${root}/reference`

await install()
if (!existsSync(`${reference}/node_modules/typedoc/package.json`))
  await step('installing TypeDoc', 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', reference])
await build()
await step('writing the API reference', process.execPath, [`${reference}/generate.mjs`, ...process.argv.slice(2)])
