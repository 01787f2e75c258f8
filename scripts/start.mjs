// `npm start`: installs what is missing, builds, starts the playground.
import { buildCommand, install, run } from './install.mjs'

await install()
await buildCommand()
await run(process.execPath, ['packages/cli/bin/countersign.js', 'playground', ...process.argv.slice(2)])
