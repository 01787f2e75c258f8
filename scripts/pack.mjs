// Packs every package as npm gets it: with the licence, and a README whose links work away from the repository.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { posix } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './install.mjs'
import { packages, webUrl } from './packages.mjs'

/**
 * Packs the packages into a folder. They must be built.
 * @param into an absolute path; gets the tarballs
 * @param ref what links lead to: a tag, a commit or a branch
 * @param manifests the folder of the checkout whose manifests are packed
 * @param rooms the folders of the packages that are packed; default all
 * @returns for each package its name, room and tarball
 */
export function packAll(into, { ref = 'main', manifests = root, rooms } = {}) {
  const stage = `${into}/.stage`
  rmSync(stage, { recursive: true, force: true })
  const chosen = packages(manifests).filter(({ room }) => rooms?.includes(room) ?? true)
  const staged = chosen.map(({ room, folder, manifest }) => {
    const place = `${stage}/${room}`
    mkdirSync(place, { recursive: true })
    cpSync(`${folder}/package.json`, `${place}/package.json`)
    for (const part of partsOf(manifest))
      if (existsSync(`${root}/${room}/${part}`))
        cpSync(`${root}/${room}/${part}`, `${place}/${part}`, { recursive: true, filter: hasSource })
    if (room === 'packages/cli') bundle(place)
    cpSync(`${root}/LICENSE`, `${place}/LICENSE`)
    writeFileSync(`${place}/README.md`, absoluteLinks(readFileSync(`${root}/${room}/README.md`, 'utf8'), room, ref))
    return { room, name: manifest.name, place, tarball: `${into}/${fileName(manifest)}` }
  })
  const { status, stderr } = spawnSync(
    'npm',
    ['pack', '--silent', '--ignore-scripts', '--pack-destination', into, ...staged.map(({ place }) => place)],
    { cwd: into, encoding: 'utf8', shell: process.platform === 'win32' },
  )
  if (status !== 0) throw new Error(`npm pack failed\n${stderr}`)
  rmSync(stage, { recursive: true })
  return staged.map(({ room, name, tarball }) => ({ room, name, tarball }))
}

/** Adds the bundle of the command. */
function bundle(place) {
  const { status, stderr } = spawnSync(process.execPath, [`${root}/scripts/bundle.mjs`, place], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the command cannot be bundled\n${stderr}`)
}

/** The folders and files that `files` of a manifest names. */
function partsOf({ files = [] }) {
  return new Set(files.filter(file => !file.startsWith('!')).map(file => file.split('/')[0]))
}

/** The compiler leaves what it once wrote of a file that is gone. */
function hasSource(file) {
  const [, room, name] = /^(.*)\/dist\/(.*?)\.(?:js|d\.ts)(?:\.map)?$/.exec(file) ?? []
  return room === undefined || ['ts', 'tsx'].some(kind => existsSync(`${room}/src/${name}.${kind}`))
}

function fileName({ name, version }) {
  return `${name.replace('@', '').replace('/', '-')}-${version}.tgz`
}

/** A page of a room with links that work elsewhere; samples are left alone. */
export function absoluteLinks(page, room, ref) {
  return outsideSamples(page, text => text.replace(/\]\(([^)\s]+)\)/g, (_, to) => `](${absolute(to)})`))

  function absolute(to) {
    if (/^(https?:|mailto:|#)/.test(to)) return to
    const [path = '', anchor] = to.split('#')
    const target = posix.join(room, path)
    if (target.startsWith('..')) throw new Error(`${room}/README.md links out of the repository: ${to}`)
    return `${webUrl()}/blob/${ref}/${target}${anchor === undefined ? '' : `#${anchor}`}`
  }
}

/** A Markdown page whose text, code blocks aside, is changed. */
export function outsideSamples(page, change) {
  return page
    .split(/^(```[\s\S]*?^```)/m)
    .map((text, index) => (index % 2 === 1 ? text : change(text)))
    .join('')
}

// `node scripts/pack.mjs FOLDER`: tarballs of a checkout, to install elsewhere.
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const into = posix.resolve(process.argv[2] ?? `${root}/tarballs`)
  mkdirSync(into, { recursive: true })
  for (const { tarball } of packAll(into)) console.log(tarball)
}
