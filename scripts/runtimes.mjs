// Bun, Deno and workerd for the tests that run on them: large programs, so no dependencies. Their packages have no install script.
import { join } from 'node:path'
import { keptInstall } from './kept-install.mjs'

/** Each with its package for Linux on x64, and the program in it. */
const runtimes = {
  bun: { package: '@oven/bun-linux-x64', version: '1.4.5', program: 'bin/bun' },
  deno: { package: '@deno/linux-x64-glibc', version: '2.9.6', program: 'deno' },
  workerd: { package: '@cloudflare/workerd-linux-64', version: '1.20261117.1', program: 'bin/workerd' },
}

/**
 * The programs by name, installed when they are first asked for and kept in the checkout's folder `.countersign`.
 * @returns an object with one member `missing` that says why, where they cannot be had
 * @throws Error instead, where COUNTERSIGN_REQUIRE names `runtimes`
 */
export function installRuntimes() {
  const found = programs()
  const isRequired = (process.env.COUNTERSIGN_REQUIRE ?? '').split(',').includes('runtimes')
  if ('missing' in found && isRequired) throw new Error(`runtimes are required: ${found.missing}`)
  return found
}

function programs() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return { missing: 'they are had for Linux on x64' }
  const all = Object.values(runtimes)
  const versions = all.map(one => `${one.package}@${one.version}`)
  const folder = keptInstall(`runtimes-${all.map(one => one.version).join('-')}`, versions)
  if (folder === undefined) return { missing: `npm has no ${versions.join(' or no ')}` }
  return Object.fromEntries(
    Object.entries(runtimes).map(([name, one]) => [name, join(folder, 'node_modules', one.package, one.program)]),
  )
}
