// Makes a release: `node scripts/release.mjs VERSION [--dry-run] [--out FOLDER]`.
//
// Gives every package the version, and what is unreleased in CHANGELOG.md a heading; commits; builds, tests, packs, and checks
// what was packed; writes an SBOM and the release notes; names the commit in CHANGELOG.md. It publishes nothing: it says how.
// The dry run changes nothing in the checkout and makes no commit; it builds, packs and checks in the folder.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { licensed } from './bundle.mjs'
import { releaseSection, releasesIn, withCommit } from './changelog.mjs'
import { faultsOf, readEntry } from './check-packages.mjs'
import { build, install, root, run } from './install.mjs'
import { packAll } from './pack.mjs'
import { packages, readManifest, writeJson, writeManifests } from './packages.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'dry-run': { type: 'boolean', default: false }, out: { type: 'string', default: 'release' } },
})
const [version = ''] = positionals
const dryRun = values['dry-run']
const out = resolve(values.out)
if (!/^\d+\.\d+\.\d+$/.test(version)) stop('usage: node scripts/release.mjs VERSION [--dry-run] [--out FOLDER]')
if (existsSync(out)) stop(`${out} exists already`)
if (!dryRun && git('status', '--porcelain') !== '') stop('commit or remove what is uncommitted first')

// What is written goes to the checkout, or in a dry run to a copy of the files that are written.
const base = dryRun ? `${out}/checkout` : root
if (dryRun) copyWritten(base)
writeVersion()
if (!dryRun) await install()
if (!dryRun) {
  git('commit', '--quiet', '--all', '--message', `chore: release ${version}`)
  await run(process.execPath, ['scripts/clean.mjs'])
  await run(process.execPath, ['scripts/test.mjs', '--all'])
}
await build()
mkdirSync(out, { recursive: true })
const ref = dryRun ? 'main' : `v${version}`
const packed = packAll(out, { ref, manifests: base })
const faults = (await Promise.all(packed.map(one => faultsOf(one, ref)))).flat()
if (faults.length > 0) stop(faults.join('\n'))
writeJson(`${out}/sbom.cdx.json`, sbom())
const commit = git('rev-parse', 'HEAD')
writeFileSync(`${out}/notes.md`, notes())
if (!dryRun) nameCommit()
console.log(`${packed.length} packages of ${version} in ${out}`)
console.log(dryRun ? 'nothing was published or committed' : next())

function stop(message) {
  console.error(message)
  process.exit(1)
}

function git(...args) {
  return execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
}

function copyWritten(to) {
  for (const file of [
    'CHANGELOG.md',
    'package.json',
    'package-lock.json',
    'requirements/package.json',
    ...packages().map(({ room }) => `${room}/package.json`),
  ])
    cpSync(`${root}/${file}`, `${to}/${file}`)
}

function writeVersion() {
  writeJson(`${base}/package.json`, { ...readManifest(base), version })
  writeManifests(base)
  const today = new Date().toISOString().slice(0, 10)
  const changelog = releaseSection(readFileSync(`${base}/CHANGELOG.md`, 'utf8'), version, today)
  writeFileSync(`${base}/CHANGELOG.md`, changelog)
}

/**
 * What is installed with the packages, by the lock file: nothing is asked of the network. Not by `--omit dev`, which leaves out
 * whatever any workspace also develops with.
 */
function sbom() {
  const { status, stdout, stderr } = spawnSync(
    'npm',
    ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only', '--offline'],
    { cwd: base, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, shell: process.platform === 'win32' },
  )
  if (status !== 0) stop(`npm sbom failed\n${stderr}`)
  const document = JSON.parse(stdout)
  // npm takes the name of the folder.
  document.metadata.component.name = 'countersign'
  const shipped = shippedIn(JSON.parse(readFileSync(`${base}/package-lock.json`, 'utf8')))
  const isShipped = reference => shipped.has(reference) || reference === document.metadata.component['bom-ref']
  document.components = document.components.filter(component => isShipped(component['bom-ref']))
  document.dependencies = document.dependencies
    .filter(({ ref }) => isShipped(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter(isShipped) }))
  markBundled(document)
  return document
}

/** Marks what the published command holds in itself: what is installed beside it, in whatever version, does not replace that. */
function markBundled({ components }) {
  const name = '@countersign/cli'
  const { tarball } = packed.find(one => one.name === name)
  for (const reference of licensed(readEntry(tarball, 'bundle/LICENSES.txt'))) {
    const component = components.find(one => one['bom-ref'] === reference)
    if (component === undefined) stop(`the SBOM lacks ${reference}, which is in the bundle of ${name}`)
    component.properties = [...(component.properties ?? []), { name: 'countersign:bundledIn', value: name }]
  }
}

/** The published packages and what they depend on, as `name@version`. */
function shippedIn(lock) {
  const published = new Set(packages(base).map(({ room }) => room))
  return new Set(
    Object.entries(lock.packages)
      .filter(([place, entry]) => published.has(place) || (place.includes('node_modules/') && isInstalled(entry)))
      .map(([place, { name, version }]) => `${name ?? place.split('node_modules/').at(-1)}@${version}`),
  )
}

function isInstalled({ link, dev, devOptional }) {
  return link !== true && dev !== true && devOptional !== true
}

function notes() {
  const release = releasesIn(readFileSync(`${base}/CHANGELOG.md`, 'utf8')).find(one => one.version === version)
  return `# Countersign ${version}\n\nBuilt from \`${commit}\`.\n\n${release.notes}\n`
}

function nameCommit() {
  writeFileSync(`${root}/CHANGELOG.md`, withCommit(readFileSync(`${root}/CHANGELOG.md`, 'utf8'), version, commit))
  git('commit', '--quiet', '--all', '--message', `docs: the changelog names the commit of ${version}`)
}

function next() {
  return [
    `git tag -s v${version} ${commit} && git push --follow-tags`,
    ...packed.map(({ tarball }) => `npm publish ${tarball}`),
  ].join('\n')
}
