// `npm run clean`: removes what the compiler wrote, the API reference and the documentation site.
import { readdirSync, rmSync } from 'node:fs'
import { root } from './install.mjs'

const rooms = ['packages', 'apps'].flatMap(top => readdirSync(`${root}/${top}`).map(name => `${top}/${name}`))
for (const room of [...rooms, 'requirements', 'testing/base', 'testing/world', 'tests', 'bench', 'chaos'])
  rmSync(`${root}/${room}/dist`, { recursive: true, force: true })
for (const folder of [
  'packages/cli/bundle',
  'packages/cli/assets',
  'reference/api',
  'site/dist',
  'site/.pages',
  'site/.api',
  'site/.vitepress/cache',
])
  rmSync(`${root}/${folder}`, { recursive: true, force: true })
