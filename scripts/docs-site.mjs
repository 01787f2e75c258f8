// `npm run docs:site`: the documentation as a static site, in site/dist/ or the folder that is named; `-- --serve` shows it.
import { install, root, run } from './install.mjs'
import { installSiteTools } from './site-tools.mjs'

await install()
const missing = installSiteTools(name => console.log(`installing ${name} …`))
if (missing !== undefined) {
  console.error(missing)
  process.exit(1)
}
await run(process.execPath, [`${root}/scripts/api-reference.mjs`, `${root}/site/.api`])
await run(process.execPath, [`${root}/site/build.mjs`, ...process.argv.slice(2)])
