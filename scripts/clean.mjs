// `npm run clean`: removes what the compiler wrote, and the API reference.
import { readdirSync, rmSync } from 'node:fs'
import { root } from './install.mjs'

const rooms = ['packages', 'apps'].flatMap(top => readdirSync(`${root}/${top}`).map(name => `${top}/${name}`))
for (const room of [...rooms, 'requirements', 'testing/base', 'testing/world', 'tests', 'bench'])
  rmSync(`${root}/${room}/dist`, { recursive: true, force: true })
rmSync(`${root}/reference/api`, { recursive: true, force: true })
