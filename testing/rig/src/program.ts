import { accessSync, constants, readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { required } from '@countersign/testing/services'
import { expect, test } from 'vitest'

/** Where Debian keeps the programs of PostgreSQL, the newest release first. */
function postgresFolders(): string[] {
  const base = '/usr/lib/postgresql'
  try {
    return readdirSync(base)
      .sort((a, b) => Number(b) - Number(a))
      .map(release => join(base, release, 'bin'))
  } catch {
    return []
  }
}

/** The path of a program of this machine. */
export function programPath(name: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(folder => folder !== '')
  return [...folders, '/usr/sbin', ...postgresFolders()].map(folder => join(folder, name)).find(canRun)
}

/** @throws Error when this machine has no such program */
export function programOf(name: string): string {
  const path = programPath(name)
  if (path === undefined) throw new Error(`there is no ${name} on this machine`)
  return path
}

function canRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const programs = {
  postgres: 'postgresql',
  pg_basebackup: 'postgresql',
  'redis-server': 'redis-server',
  nginx: 'nginx',
} as const

/** A program that the rig starts. */
export type RigProgram = keyof typeof programs

/** Empty, or the words that tell in a test's title why it is skipped. */
export function rigAway(...names: readonly RigProgram[]): string {
  const missing = names.filter(name => programPath(name) === undefined)
  if (missing.length === 0) return ''
  const packages = [...new Set(missing.map(name => programs[name]))]
  return ` (skipped: no ${missing.join(', ')} on this machine; apt-get install ${packages.join(' ')})`
}

/** Declares the test that fails where `COUNTERSIGN_REQUIRE` names `cluster` and a program is missing. */
export function requireRig(...names: readonly RigProgram[]): void {
  test('the servers that CI requires can be started', () => {
    expect(rigAway(...names) === '' || !required('cluster')).toBe(true)
  })
}
