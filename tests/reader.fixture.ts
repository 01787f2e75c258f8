import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Packed, packAll } from '../scripts/pack.mjs'
import { root } from './processes.fixture.js'

const execute = promisify(execFile)

/** The code blocks of a page that have a file name. */
export function samples(page = 'README.md'): Map<string, string> {
  const text = readFileSync(join(root, page), 'utf8')
  return new Map(
    [...text.matchAll(/^```(?:ts|json) (\S+)\n([\s\S]*?)^```$/gm)].map(([, name = '', code = '']) => [name, code]),
  )
}

/** Every package that is published, as the tarball npm would get. */
export function packed(folder: string): Packed[] {
  mkdirSync(folder, { recursive: true })
  return packAll(folder)
}

/** A project of a reader's own, with nothing in it but packages. */
export async function project(folder: string, install: readonly string[], ...options: string[]): Promise<void> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'reader', private: true, type: 'module' }))
  const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts']
  await execute('npm', ['install', ...quiet, ...options, ...install], { cwd: folder })
}

/** A package at the version that this project's own tests use. */
export function versioned(name: string): string {
  const versions = ['package.json', 'packages/resource/package.json'].map(
    file => (JSON.parse(readFileSync(join(root, file), 'utf8')) as Manifest).devDependencies[name],
  )
  return `${name}@${versions.find(version => version !== undefined)}`
}

interface Manifest {
  readonly devDependencies: Readonly<Record<string, string | undefined>>
}
