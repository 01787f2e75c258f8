import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './processes.fixture.js'
import { withoutComments } from './sources.fixture.js'

// The house: who may lean on whom, and what runs outside Node.

/** Bottom up; a room imports only rooms on floors below its own. */
const floors = [
  // Data: tests of every floor read it, and nothing that ships.
  ['vectors'],
  ['httpsig'],
  ['protocol'],
  ['conditions', 'discovery', 'store', 'server'],
  ['verify', 'audit'],
  ['agent', 'issuer'],
  ['fetch', 'agent-server', 'resource', 'auth-server'],
  ['mcp', 'redis', 'user-desk'],
  ['mcp-sdk1', 'console'],
  ['gateway', 'mcp-bridge'],
  ['playground', 'conformance'],
  ['cli'],
]

interface Manifest {
  readonly name: string
  readonly dependencies?: Record<string, string>
  /** Of a subpath whose heavy parts are optional. */
  readonly peerDependencies?: Record<string, string>
  /** Of commands that say so where they are missing. */
  readonly optionalDependencies?: Record<string, string>
  readonly exports?: object
  readonly imports?: object
  readonly scripts?: Record<string, string>
}

const rooms = ['packages', 'apps'].flatMap(top =>
  readdirSync(join(root, top)).map(name => ({ name, folder: join(root, top, name) })),
)

function manifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}

function sources(folder: string): Array<{ file: string; text: string }> {
  return readdirSync(join(folder, 'src'), { recursive: true })
    .map(String)
    .filter(file => /\.tsx?$/.test(file) && !/\.test\.|fixture/.test(file))
    .map(file => ({ file, text: readFileSync(join(folder, 'src', file), 'utf8') }))
}

test('every room stands on one floor and depends on floors below it only', () => {
  expect(rooms.map(({ name }) => name).toSorted((a, b) => a.localeCompare(b))).toEqual(
    floors.flat().toSorted((a, b) => a.localeCompare(b)),
  )
  for (const { name, folder } of rooms) {
    const below = new Set(
      floors
        .slice(
          0,
          floors.findIndex(floor => floor.includes(name)),
        )
        .flat(),
    )
    const { dependencies, optionalDependencies, peerDependencies } = manifest(folder)
    const inside = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }).filter(dependency =>
      dependency.startsWith('@countersign/'),
    )
    for (const dependency of inside)
      expect(below, `${name} → ${dependency}`).toContain(dependency.slice('@countersign/'.length))
  }
})

test('a room imports what its package.json names, and no file inside another room', () => {
  for (const { name, folder } of rooms) {
    const named = namedBy(folder)
    for (const { file, text } of sources(folder)) {
      // What is packed has no other room beside it.
      const outside = importsOf(file, withoutComments(text)).filter(imported => imported.startsWith('../..'))
      expect(outside, `${name}/${file}`).toEqual([])
      for (const imported of packagesIn(text)) {
        const [scope = '', room = '', ...subpath] = imported.split('/')
        expect(named, `${name}/${file}`).toContain(scope.startsWith('@') ? `${scope}/${room}` : scope)
        if (scope !== '@countersign') continue
        const exported = Object.keys(manifest(rooms.find(one => one.name === room)?.folder ?? '').exports ?? {})
        expect(exported, `${name}/${file} imports ${imported}`).toContain(['.', ...subpath].join('/'))
      }
    }
  }
})

test('a room names no package of this project that it does not import', () => {
  for (const { name, folder } of rooms) {
    const imported = new Set(sources(folder).flatMap(({ text }) => packagesIn(text)))
    const inside = [...imported].map(from => from.split('/').slice(0, 2).join('/'))
    const unused = namedBy(folder).filter(one => one.startsWith('@countersign/') && !inside.includes(one))
    expect(unused, name).toEqual([])
  }
})

/** The packages that a room gets with it, and those that its users may add. */
function namedBy(folder: string): string[] {
  const { dependencies, optionalDependencies, peerDependencies } = manifest(folder)
  return Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })
}

/** What a source imports of packages, with the subpath. */
function packagesIn(text: string): string[] {
  const imports = withoutComments(text).matchAll(
    /(?:^(?:(?:import|export) [^'\n]*|\} )from |^import |\bimport\()'([^'.#$][^']*)'/gm,
  )
  return [...imports].map(([, name = '']) => name).filter(name => !name.startsWith('node:'))
}

test('shared test code stands below the packages it tests, and no shipped file imports it', () => {
  const allowed: Readonly<Record<string, readonly string[]>> = {
    requirements: [],
    'testing/base': [],
    'testing/rig': ['testing'],
    'testing/world': ['testing', 'httpsig', 'protocol', 'discovery'],
    'testing/auth': [
      'testing',
      'httpsig',
      'protocol',
      'discovery',
      'store',
      'audit',
      'conditions',
      'verify',
      'auth-server',
      'user-desk',
      'console',
    ],
  }
  for (const [floor, below] of Object.entries(allowed))
    for (const { file, text } of sources(join(root, floor)))
      for (const [, imported = ''] of text.matchAll(/from '@countersign\/([a-z-]+)/g))
        expect(below, `${floor}/${file}`).toContain(imported)
  for (const { name, folder } of rooms) {
    for (const { file, text } of sources(folder))
      expect(withoutComments(text), `${name}/${file}`).not.toMatch(
        /from '(?:@countersign\/(?:requirements|testing|vectors)|vitest)\b/,
      )
    for (const test of ['testing', 'requirements'])
      expect(JSON.stringify(manifest(folder)), name).not.toContain(`@countersign/${test}`)
    const { dependencies = {} } = manifest(folder)
    expect(Object.keys(dependencies), name).not.toContain('@countersign/vectors')
  }
})

test('packages for browsers and workers import Node modules in their node files only', () => {
  for (const portable of ['httpsig', 'protocol', 'conditions', 'discovery', 'verify', 'agent', 'resource']) {
    const { folder } = rooms.find(({ name }) => name === portable) ?? { folder: '' }
    const reached = reachedOutsideNode(folder)
    expect([...reached], portable).toContain('index.ts')
    for (const { file, text } of sources(folder)) {
      if (reached.has(file))
        expect(/from 'node:|\bBuffer\b|\bprocess\./.test(withoutComments(text)), `${portable}/${file}`).toBe(false)
    }
  }
})

/** What a room offers without Node, and all that this imports; a file that only node files import may use Node as well. */
function reachedOutsideNode(folder: string): Set<string> {
  const { exports = {}, imports = {} } = manifest(folder)
  const all = new Map(sources(folder).map(({ file, text }) => [file, text]))
  const offered = JSON.stringify([exports, imports]).matchAll(/"\.\/src\/([^"]+)"/g)
  const reached = new Set<string>()
  const visit = (file: string): void => {
    const text = all.get(file)
    if (text === undefined || reached.has(file) || /(^|[-/])node\.ts$/.test(file)) return
    reached.add(file)
    for (const [, imported = ''] of text.matchAll(/'(\.{1,2}\/[^']+)\.js'/g)) visit(join(file, '..', `${imported}.ts`))
  }
  for (const [, file = ''] of offered) visit(file)
  return reached
}

test('no file of a room leads back to itself, type imports included', () => {
  for (const { name, folder } of rooms) {
    const all = new Map(sources(folder).map(({ file, text }) => [file, importsOf(file, withoutComments(text))]))
    expect(circleIn(all), name).toEqual([])
  }
})

/** Folders of a room, bottom up: a file imports from folders on floors below its own. Files beside the folders belong to no floor. */
const insideFloors: Readonly<Record<string, ReadonlyArray<readonly string[]>>> = {
  httpsig: [
    ['option', 'reason', 'time'],
    ['key'],
    ['message'],
    ['component'],
    ['digest'],
    ['signature'],
    ['replay'],
    ['explain'],
  ],
  protocol: [['internal', 'term', 'reason'], ['token', 'message'], ['condition', 'key'], ['metadata']],
  conditions: [
    ['json', 'messages'],
    ['explain', 'analysis'],
  ],
  agent: [['state', 'wire'], ['identity'], ['grant'], ['interact'], ['fetch'], ['exchange']],
  resource: [
    ['answer', 'approval', 'limit', 'oauth'],
    ['revocation'],
    ['guard'],
    ['event', 'token'],
    ['downstream', 'adapter'],
  ],
  'agent-server': [['audit', 'key', 'delegation'], ['enrollment'], ['delegate'], ['token']],
  'auth-server': [
    ['secret', 'tables'],
    ['bound', 'mandate'],
    ['event', 'policy', 'revocation', 'users'],
    ['audit', 'engine', 'grant'],
    ['access', 'exchange'],
    ['block'],
    ['request'],
    ['approval'],
    ['setup', 'token'],
  ],
  'user-desk': [['passkey'], ['pages'], ['login'], ['account'], ['consent'], ['approval']],
  console: [['operator'], ['admin']],
  audit: [['tree', 'event'], ['note'], ['check'], ['log'], ['report']],
  mcp: [['message', 'rules'], ['stream'], ['answer', 'transport', 'elicitation'], ['continued'], ['served']],
  redis: [['servers'], ['mcp', 'replay', 'resource']],
  'mcp-sdk1': [['session'], ['stream'], ['transport', 'bridge']],
  conformance: [
    ['wire'],
    ['signing'],
    ['participants'],
    ['config', 'peer'],
    ['case', 'user'],
    ['report', 'resource'],
    ['endpoint', 'agent', 'matrix'],
    ['agent-server', 'auth-server'],
    ['command'],
  ],
  cli: [['flags', 'log'], ['server'], ['workers'], ['commands']],
}

test('every folder of a room stands on one floor and imports from floors below it only', () => {
  for (const [name, inside] of Object.entries(insideFloors)) {
    const { folder } = rooms.find(room => room.name === name) ?? { folder: '' }
    const floorOf = (file: string): number => inside.findIndex(floor => floor.includes(file.split('/')[0] ?? ''))
    const inFolders = sources(folder).filter(({ file }) => file.includes('/'))
    expect(new Set(inFolders.map(({ file }) => file.split('/')[0])), name).toEqual(new Set(inside.flat()))
    const upward = inFolders.flatMap(({ file, text }) =>
      importsOf(file, withoutComments(text))
        .filter(imported => imported.includes('/') && imported.split('/')[0] !== file.split('/')[0])
        .filter(imported => floorOf(imported) >= floorOf(file))
        .map(imported => `${file} → ${imported}`),
    )
    expect(upward, name).toEqual([])
  }
})

/** The files of its own room that a file imports. */
function importsOf(file: string, text: string): string[] {
  const imported = [...text.matchAll(/'(\.{1,2}\/[^']+)\.js'/g)].map(([, path = '']) => join(file, '..', path))
  return imported.flatMap(path => [`${path}.ts`, `${path}.tsx`])
}

/** The first circle found, from a file back to it; empty if there is none. */
function circleIn(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const done = new Set<string>()
  const way: string[] = []
  const visit = (file: string): string[] => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file]
    if (done.has(file) || !imports.has(file)) return []
    way.push(file)
    for (const next of imports.get(file) ?? []) {
      const circle = visit(next)
      if (circle.length > 0) return circle
    }
    way.pop()
    done.add(file)
    return []
  }
  for (const file of imports.keys()) {
    const circle = visit(file)
    if (circle.length > 0) return circle
  }
  return []
}

test('no package runs a script when it is installed', () => {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { hasInstallScript?: boolean }>
  }
  expect(Object.entries(lock.packages).filter(([, { hasInstallScript }]) => hasInstallScript)).toEqual([])
  for (const { name, folder } of rooms) expect(Object.keys(manifest(folder).scripts ?? {}), name).toEqual([])
})

test('no text holds a raw control character, nor one that hides or turns text: git, grep and readers would be misled', () => {
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0').filter(Boolean)
  expect(files.length).toBeGreaterThan(500)
  const odd = files.filter(file => {
    const bytes = readFileSync(join(root, file))
    // A picture or a font is no text: its bytes are not UTF-8.
    if (/\.(?:png|ico|jpg|gif|woff2)$/.test(file)) return false
    return /[^\P{Cc}\t\n]|[\p{Zl}\p{Zp}\u00ad\u061c\u200b\u200e\u200f\u2060\ufeff\u202a-\u202e\u2066-\u2069]/u.test(
      bytes.toString('utf8'),
    )
  })
  expect(odd).toEqual([])
})
