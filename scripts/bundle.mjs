// The `countersign` command as it is published: its modules, and those of the libraries that it loads at every start, in few files.
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'
import { root } from './install.mjs'

/** What stays outside: what has native parts, is optional, or is large and loaded by few commands or settings only. */
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
  for (const part of ['package.json', 'bin'])
    cpSync(join(room, part), join(place, part), { recursive: true, force: false })
  const bundle = await rolldown({
    input: { countersign: join(room, 'dist/index.js') },
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
  cpSync(join(root, 'packages/auth-server/assets'), join(place, 'assets'), { recursive: true })
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

/** V8 keeps the text of a module in one byte a character where it can, and else in two: so other characters are escaped. */
function inOneByte(code) {
  return code.replace(/[^\0-\xff]/g, one => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The licences of all packages in the bundle but those of this project. */
function licenses(output) {
  const modules = output.flatMap(({ moduleIds }) => moduleIds)
  const folders = new Set(modules.flatMap(id => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []))
  const texts = [...folders].map(folder => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const file = readdirSync(folder).find(one => /^licen[cs]e/i.test(one))
    const text = file === undefined ? '' : `\n\n${readFileSync(join(folder, file), 'utf8').trim()}`
    return `${name} ${version}: ${license}${text}\n`
  })
  return texts.sort((one, other) => (one < other ? -1 : 1)).join(`\n${'-'.repeat(80)}\n\n`)
}

// `node scripts/bundle.mjs FOLDER`
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await bundleCommand(process.argv[2])
