// Bun, Deno and workerd for the tests that run on them: large programs, so no dependencies. Their packages have no install script.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './install.mjs'

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
  const versions = Object.values(runtimes).map(one => `${one.package}@${one.version}`)
  const folder = join(
    root,
    '.countersign',
    `runtimes-${Object.values(runtimes)
      .map(one => one.version)
      .join('-')}`,
  )
  if (!existsSync(folder)) {
    // Two test files may come at once: whoever is done first is the one.
    const making = `${folder}.${process.pid}.${Date.now()}`
    mkdirSync(making, { recursive: true })
    const options = ['--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--silent']
    const { status } = spawnSync('npm', ['install', ...options, '--prefix', making, ...versions], { cwd: making })
    if (status === 0 && !existsSync(folder)) renameSync(making, folder)
    else rmSync(making, { recursive: true })
    if (!existsSync(folder)) return { missing: `npm has no ${versions.join(' or no ')}` }
  }
  return Object.fromEntries(
    Object.entries(runtimes).map(([name, one]) => [name, join(folder, 'node_modules', one.package, one.program)]),
  )
}
