// What a tarball must hold before it is published.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { root } from './install.mjs'
import { outsideSamples } from './pack.mjs'
import { webUrl } from './packages.mjs'

/**
 * What is wrong with a tarball, one line each.
 * @param ref what links of the README lead to
 */
export async function faultsOf({ name, tarball }, ref) {
  const bytes = readFileSync(tarball)
  const files = entries(tarball)
  const faults = [
    ...(await publintFaults(bytes)),
    ...(await typeFaults(bytes)),
    ...['LICENSE', 'README.md', 'package.json'].filter(file => !files.includes(file)).map(file => `${file} is missing`),
    ...(name === '@countersign/cli' ? bundleFiles : [])
      .filter(file => !files.includes(file))
      .map(file => `${file} is missing`),
    ...files.filter(file => /\.test\.|fixture|tsbuildinfo/.test(file)).map(file => `${file} must not be shipped`),
    ...importFaults(tarball, files),
    ...linkFaults(readEntry(tarball, 'README.md'), ref),
  ]
  return faults.map(fault => `${name}: ${fault}`)
}

/** What the command needs that a checkout does not have. */
const bundleFiles = ['bundle/countersign.js', 'bundle/LICENSES.txt', 'assets/admin/index.html']

/** Files of a tarball, as they stand in the package. */
export function entries(tarball) {
  return tar(['-tzf', tarball])
    .trim()
    .split('\n')
    .map(file => file.replace(/^package\//, ''))
}

/** The text of one file of a tarball. */
export function readEntry(tarball, file) {
  return tar(['-xzOf', tarball, `package/${file}`])
}

function tar(args) {
  const { status, stdout, stderr } = spawnSync('tar', args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
  if (status !== 0) throw new Error(stderr)
  return stdout
}

async function publintFaults(bytes) {
  const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true })
  return messages.map(message => `publint: ${formatMessage(message, pkg, { color: false })}`)
}

/** All packages are ES modules with `exports`: what only knows older ways of finding types is not asked. */
const olderWays = ['node10', 'node16-cjs']

async function typeFaults(bytes) {
  const { types, problems } = await checkPackage(createPackageFromTarballData(new Uint8Array(bytes)))
  if (!types) return ['attw: there are no types']
  return problems
    .filter(({ resolutionKind }) => !olderWays.includes(resolutionKind))
    .map(({ kind, entrypoint, resolutionKind }) => `attw: ${kind} ${entrypoint ?? ''} ${resolutionKind ?? ''}`)
}

/** Modules that a module of the package imports and that are not in it. */
function importFaults(tarball, files) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-tarball-'))
  tar(['-xzf', tarball, '-C', folder])
  const faults = files
    .filter(file => /^(dist|bin|bundle)\/.*\.js$/.test(file))
    .flatMap(file =>
      [
        ...readFileSync(`${folder}/package/${file}`, 'utf8').matchAll(
          /(?:from|import|import\()\s*['"](\.{1,2}\/[^'"]+)['"]/g,
        ),
      ]
        .map(([, imported = '']) => imported)
        .filter(imported => !files.includes(posix.join(posix.dirname(file), imported)))
        .map(imported => `${file} imports ${imported}, which is missing`),
    )
  rmSync(folder, { recursive: true })
  return faults
}

function linkFaults(readme, ref) {
  const faults = []
  outsideSamples(readme, text => {
    for (const [, to = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      const fault = linkFault(to, readme, ref)
      if (fault !== undefined) faults.push(`README.md: ${fault}: ${to}`)
    }
    return text
  })
  return faults
}

function linkFault(to, readme, ref) {
  if (to.startsWith('#')) return anchorsOf(readme).has(to.slice(1)) ? undefined : 'there is no such heading'
  const here = `${webUrl()}/blob/${ref}/`
  if (!to.startsWith(here))
    return to.startsWith('https://') ? undefined : 'the link does not work outside the repository'
  const [path = '', anchor] = to.slice(here.length).split('#')
  if (!existsSync(`${root}/${path}`)) return 'there is no such file'
  if (anchor === undefined) return undefined
  return anchorsOf(readFileSync(`${root}/${path}`, 'utf8')).has(anchor) ? undefined : 'there is no such heading'
}

/** The names that headings of a page get on GitHub and npm, and those that the page gives itself: `<a id="name"></a>`. */
export function anchorsOf(page) {
  const anchors = new Set()
  outsideSamples(page, text => {
    for (const [, name = ''] of text.matchAll(/<a id="([^"]+)">/g)) anchors.add(name)
    for (const [, heading = ''] of text.matchAll(/^#+ (.*)$/gm))
      anchors.add(
        heading
          .toLowerCase()
          .replace(/[^\p{L}\p{N} _-]/gu, '')
          .replaceAll(' ', '-'),
      )
    return text
  })
  return anchors
}
