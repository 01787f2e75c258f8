// `npm run docs:site`: the documentation as a static site, in site/dist/ or the folder that is named; `-- --serve` shows it.
// VitePress has a folder of its own, is no workspace, and is installed only here, as TypeDoc is for its API reference.
import { existsSync, readFileSync } from 'node:fs'
import { build, install, root, run, step } from './install.mjs'

const quiet = ['--ignore-scripts', '--no-audit', '--no-fund']

/** Whether a folder has the version that its own package.json names. */
function isInstalled(folder, name) {
  const wanted = JSON.parse(readFileSync(`${root}/${folder}/package.json`, 'utf8')).devDependencies[name]
  const manifest = `${root}/${folder}/node_modules/${name}/package.json`
  return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === wanted
}

await install()
for (const [folder, name] of [
  ['reference', 'typedoc'],
  ['site', 'vitepress'],
])
  if (!isInstalled(folder, name))
    await step(`installing ${name}`, 'npm', ['ci', ...quiet, '--prefix', `${root}/${folder}`])
await build()
await step('writing the API reference', process.execPath, [`${root}/reference/generate.mjs`, `${root}/site/.api`])
await run(process.execPath, [`${root}/site/build.mjs`, ...process.argv.slice(2)])
