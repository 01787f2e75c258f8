// `npm start`: installs what is missing, builds, starts the playground.
import { build, install, run } from './install.mjs'

install()
build()
run(process.execPath, ['packages/cli/bin/countersign.js', 'playground', ...process.argv.slice(2)])
