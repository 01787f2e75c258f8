// The `countersign` command as it is published: its modules and those of nearly all libraries that it uses, in few files.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'
import { root } from './install.mjs'

/**
 * What stays outside: what has native parts, is optional, or is large and needed by few commands or settings; the suite, which reads its
 * own files; and what a program shares with us (`@opentelemetry/api`).
 */
const outside = [
  '@cedar-policy/cedar-wasm',
  '@countersign/conformance',
  '@countersign/playground',
  '@modelcontextprotocol/client',
  '@modelcontextprotocol/server',
  '@opentelemetry/api',
  '@opentelemetry/exporter-prometheus',
  '@opentelemetry/sdk-metrics',
  '@simplewebauthn/server',
  'libsql',
  'pg',
  'redis',
  'sodium-native',
]

/** The folder of the package whose command is bundled. */
const room = join(root, 'packages/cli')

/**
 * Writes the command into the folders `bundle` and `assets` of a package, and its manifest and `bin` where they are missing. The packages
 * of the checkout must be built.
 * @param {string} place the folder of the package; within the checkout the command finds what stays outside
 * @returns the file that starts the command
 * @throws Error where the bundle imports a package that the manifest of the command does not name
 */
export async function bundleCommand(place) {
  // A checkout runs what the compiler wrote last.
  if (resolve(place) === resolve(room)) throw new Error('the package of the checkout itself gets no bundle')
  for (const part of ['package.json', 'bin'])
    cpSync(join(room, part), join(place, part), { recursive: true, force: false })
  // Chunks of an earlier bundle would be packed, too.
  for (const folder of ['bundle', 'assets']) rmSync(join(place, folder), { recursive: true, force: true })
  const bundle = await rolldown({
    input: { countersign: join(room, 'dist/start.js') },
    platform: 'node',
    external: id => outside.some(name => id === name || id.startsWith(`${name}/`)),
    onLog(_level, log) {
      throw new Error(log.message)
    },
  })
  const comments = { legal: true, annotation: false, jsdoc: false }
  const options = { format: 'esm', comments, entryFileNames: '[name].js', chunkFileNames: '[name].js' }
  const { output } = await bundle.generate(options)
  await bundle.close()
  checkImports(output, JSON.parse(readFileSync(join(room, 'package.json'), 'utf8')))
  mkdirSync(join(place, 'bundle'), { recursive: true })
  for (const { fileName, code } of output) writeFileSync(join(place, 'bundle', fileName), inOneByte(code))
  writeFileSync(join(place, 'bundle/LICENSES.txt'), licenses(output))
  // As beside the module that reads them.
  cpSync(join(root, 'packages/console/assets'), join(place, 'assets'), { recursive: true })
  return join(place, 'bin/countersign.js')
}

/** A package manager may hide from the command what only its dependencies depend on. */
function checkImports(output, { dependencies, optionalDependencies, peerDependencies }) {
  const named = { ...dependencies, ...optionalDependencies, ...peerDependencies }
  const files = new Set(output.map(({ fileName }) => fileName))
  for (const { fileName, imports, dynamicImports } of output)
    for (const id of [...imports, ...dynamicImports]) {
      if (files.has(id) || id.startsWith('node:')) continue
      const name = id.split('/', id.startsWith('@') ? 2 : 1).join('/')
      if (!(name in named))
        throw new Error(`${fileName} imports ${name}, which packages/cli/package.json does not name`)
    }
}

/**
 * V8 keeps the text of a module in one byte a character only where each fits into one; this escapes those that do not. In a comment or
 * text the escape means the same, but not behind a backslash or in `String.raw`.
 */
function inOneByte(code) {
  if (/(?<!\\)(?:\\\\)*\\[^\0-\xff]|String\.raw`[^`]*[^\0-\xff`]/.test(code))
    throw new Error('a text of the bundle cannot be escaped')
  return code.replace(/[^\0-\xff]/g, one => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The licences of all packages in the bundle but those of this project. */
function licenses(output) {
  const modules = output.flatMap(({ moduleIds }) => moduleIds.map(id => id.replaceAll('\\', '/')))
  const folders = new Set(modules.flatMap(id => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []))
  if (folders.size === 0) throw new Error('the bundle holds no library')
  const texts = [...folders].map(folder => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const file = readdirSync(folder).find(one => /^licen[cs]e/i.test(one))
    const text = file === undefined ? '' : `\n\n${readFileSync(join(folder, file), 'utf8').trim()}`
    return `${name} ${version}: ${license}${text}\n`
  })
  return texts.sort((one, other) => (one < other ? -1 : 1)).join(betweenLicenses)
}

const betweenLicenses = `\n${'-'.repeat(80)}\n\n`

/** The packages that a file of licences names, as `name@version`. */
export function licensed(text) {
  return text.split(betweenLicenses).map(one => {
    const [, name, version] = /^(\S+) (\S+): /.exec(one) ?? []
    if (name === undefined) throw new Error('a licence is without its package')
    return `${name}@${version}`
  })
}

// `node scripts/bundle.mjs FOLDER`
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [, , folder] = process.argv
  if (folder === undefined) {
    console.error('usage: node scripts/bundle.mjs FOLDER')
    process.exit(2)
  }
  await bundleCommand(folder)
}
