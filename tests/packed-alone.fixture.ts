import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { ReceivedMessage } from '@countersign/httpsig'
import { type Packed, packAll } from '../scripts/pack.mjs'
import { packages, withDependencies } from '../scripts/packages.mjs'
import { root } from './processes.fixture.js'
import { project } from './reader.fixture.js'

const execute = promisify(execFile)

/** Packs packages of this project, and those that they need. */
export function packWithDependencies(folder: string, names: readonly string[]): Packed[] {
  const needed = new Set(names.flatMap(name => withDependencies(name)))
  const rooms = packages().flatMap(({ room, manifest }) => (needed.has(manifest.name) ? [room] : []))
  return packAll(folder, { rooms })
}

/**
 * Installs packages of this project from their tarballs. Each finds what its package.json names and nothing else, so that a
 * dependency that it does not name is missing.
 * @param others packages of npm that stand beside, each as `name@version`
 * @returns the names of all that was installed
 */
export async function installAlone(
  folder: string,
  names: readonly string[],
  packed: readonly Packed[],
  ...others: readonly string[]
): Promise<Set<string>> {
  const needed = new Set(names.flatMap(name => withDependencies(name)))
  const tarballs = packed.filter(({ name }) => needed.has(name)).map(({ tarball }) => tarball)
  await project(folder, [...tarballs, ...others], '--install-strategy=linked')
  const lock = JSON.parse(readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8')) as { packages: object }
  return new Set(Object.keys(lock.packages).map(place => place.split('node_modules/').at(-1) ?? ''))
}

/** The first sample of a page that contains a text, with other texts in place of some of its own. */
export function sampleWith(page: string, text: string, instead: Readonly<Record<string, string>> = {}): string {
  const blocks = readFileSync(join(root, page), 'utf8').matchAll(/^```ts[^\n]*\n([\s\S]*?)^```$/gm)
  const sample = [...blocks].map(([, code = '']) => code).find(code => code.includes(text))
  if (sample === undefined) throw new Error(`no sample of ${page} contains ${text}`)
  return Object.entries(instead).reduce((code, [own, other]) => {
    if (!code.includes(own)) throw new Error(`the sample of ${page} does not contain ${own}`)
    return code.replaceAll(own, other)
  }, sample)
}

/** Compiles programs in a folder, with the declarations of all that they import. They become JavaScript beside them. */
export async function compile(folder: string, programs: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, code] of Object.entries(programs)) writeFileSync(join(folder, name), code)
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    strict: true,
    skipLibCheck: false,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(programs) }))
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  await execute(process.execPath, [compiler, '-p', folder]).catch((error: { stdout: string }) => {
    throw new Error(`the programs of ${folder} do not compile\n${error.stdout}`)
  })
}

/** What a server answered. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Sends a message to a server on this machine, as the proxy in front of it would: with the `Host` that it has. */
export function passOn(port: number, { method, target, headers, body }: ReceivedMessage): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path: target, headers: Object.fromEntries(headers) })
    sent.once('error', reject)
    sent.once('response', response => {
      let text = ''
      response.setEncoding('utf8').on('data', chunk => (text += chunk))
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
    })
    sent.end(body)
  })
}
