// The packages that are published, and what their manifests must agree on.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { root } from './install.mjs'

/** Every published package of a checkout, as `{ room: 'packages/agent', folder, manifest }`. */
export function packages(base = root) {
  return ['packages', 'apps']
    .flatMap(top => readdirSync(`${base}/${top}`).map(name => `${top}/${name}`))
    .filter(room => existsSync(`${base}/${room}/package.json`))
    .map(room => ({ room, folder: `${base}/${room}`, manifest: readManifest(`${base}/${room}`) }))
}

/** A package of the project and those of the project that it needs, by name; none for one of others. */
export function withDependencies(name, without = []) {
  const all = new Map(packages().map(({ manifest }) => [manifest.name, manifest]))
  const found = new Set()
  const visit = one => {
    const manifest = all.get(one)
    if (manifest === undefined || found.has(one)) return
    found.add(one)
    const { dependencies = {}, optionalDependencies = {} } = manifest
    for (const next of Object.keys(dependencies)) visit(next)
    if (!without.includes('optional')) for (const next of Object.keys(optionalDependencies)) visit(next)
  }
  visit(name)
  return [...found]
}

/** The package.json of a folder. */
export function readManifest(folder) {
  return JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
}

/** What the manifest of a package must say. The project's own package.json is the one place to change it. */
export function sharedMetadata(room, base = root) {
  const { version, license, engines, author, repository, bugs } = readManifest(base)
  return {
    version,
    license,
    engines,
    author,
    bugs,
    homepage: `${webUrl()}/tree/main/${room}#readme`,
    repository: { ...repository, directory: room },
    publishConfig: { access: 'public' },
  }
}

/** Where the project is read, such as https://github.com/OWNER/NAME. */
export function webUrl() {
  return readManifest(root)
    .repository.url.replace(/^git\+/, '')
    .replace(/\.git$/, '')
}

const order = [
  'name',
  'version',
  'description',
  'keywords',
  'license',
  'author',
  'homepage',
  'repository',
  'bugs',
  'publishConfig',
  'type',
  'engines',
  'sideEffects',
  'bin',
  'imports',
  'exports',
  'files',
]

/** Writes the shared metadata into every manifest, and one version into all that names a package of this project. */
export function writeManifests(base = root) {
  const { version } = readManifest(base)
  const rooms = packages(base)
  const names = new Set(rooms.map(({ manifest }) => manifest.name))
  for (const { room, folder, manifest } of rooms) {
    const merged = withVersion({ ...manifest, ...sharedMetadata(room, base) }, version, names)
    const first = Object.fromEntries(order.filter(name => name in merged).map(name => [name, merged[name]]))
    writeJson(`${folder}/package.json`, { ...first, ...merged })
  }
  const lock = JSON.parse(readFileSync(`${base}/package-lock.json`, 'utf8'))
  lock.version = version
  for (const place of ['', ...rooms.map(({ room }) => room)])
    lock.packages[place] = withVersion({ ...lock.packages[place], version }, version, names)
  writeJson(`${base}/package-lock.json`, lock)
}

/** A manifest whose dependencies on these packages are at one version. */
function withVersion(manifest, version, names) {
  const kinds = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies']
  const changed = kinds
    .filter(kind => manifest[kind] !== undefined)
    .map(kind => [
      kind,
      Object.fromEntries(Object.entries(manifest[kind]).map(([name, at]) => [name, names.has(name) ? version : at])),
    ])
  return { ...manifest, ...Object.fromEntries(changed) }
}

export function writeJson(file, value) {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeManifests()
