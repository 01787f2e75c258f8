// `npm run clean`: removes what the compiler wrote.
import { readdirSync, rmSync } from 'node:fs'
import { root } from './install.mjs'

const rooms = ['packages', 'apps'].flatMap(top => readdirSync(`${root}/${top}`).map(name => `${top}/${name}`))
for (const room of [...rooms, 'requirements', 'tests', 'bench'])
  rmSync(`${root}/${room}/dist`, { recursive: true, force: true })
