// What an installation of each package comes to, from packed tarballs in an empty folder: `node scripts/install-sizes.mjs`
// writes the table in bench/README.md. The packages must be built.
import { spawnSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { root } from './install.mjs'
import { packAll } from './pack.mjs'
import { withDependencies } from './packages.mjs'

/** What is measured: a package of the project, or one of others to compare with. */
const measured = [
  { name: '@countersign/fetch', note: '`npx -y @countersign/fetch URL`' },
  { name: '@countersign/mcp-bridge', note: '`npx -y @countersign/mcp-bridge URL`' },
  { name: '@modelcontextprotocol/client', note: 'what of it is the MCP SDK, with `@modelcontextprotocol/server`' },
  { name: '@countersign/agent', note: '' },
  { name: '@countersign/resource', note: '' },
  { name: '@countersign/auth-server', note: 'without pages: grants by policy alone' },
  { name: '@countersign/user-desk', note: 'with the auth server' },
  { name: '@countersign/console', note: 'with both' },
  { name: '@countersign/cli', without: ['optional'], note: '`npm install --omit=optional`: no playground, no SQLite' },
  { name: '@countersign/cli', note: 'the whole command' },
]

/**
 * Installs a package in an empty folder.
 * @param packed the tarballs of the project
 * @param use is given the folder before it goes
 * @returns the names of what was installed, and its bytes on disk
 */
export function installSize({ name, without = [] }, packed, use = () => undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-size-'))
  try {
    writeFileSync(join(folder, 'package.json'), '{ "private": true }')
    const tarballs = withDependencies(name, without).map(one => packed.find(other => other.name === one)?.tarball)
    const install = tarballs.length > 0 ? tarballs : [`${name}@${versionHere(name)}`]
    const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline', '--silent']
    npm(['install', ...options, ...without.map(kind => `--omit=${kind}`), ...install], folder)
    const { packages: installed } = JSON.parse(readFileSync(join(folder, 'node_modules/.package-lock.json'), 'utf8'))
    const names = Object.keys(installed).map(place => place.split('node_modules/').at(-1))
    use(folder)
    return { names, bytes: bytesIn(join(folder, 'node_modules')) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The version of another project's package that this one is locked to. */
function versionHere(name) {
  return JSON.parse(readFileSync(`${root}/package-lock.json`, 'utf8')).packages[`node_modules/${name}`].version
}

function npm(args, cwd) {
  const { status, stderr } = spawnSync('npm', args, { cwd, encoding: 'utf8', shell: process.platform === 'win32' })
  if (status !== 0) throw new Error(`npm ${args[0]} failed\n${stderr}`)
}

function bytesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .reduce((sum, entry) => sum + lstatSync(join(entry.parentPath, entry.name)).size, 0)
}

/** Rows of a Markdown table. */
function table(packed) {
  const rows = measured.map(one => {
    const { names, bytes } = installSize(one, packed)
    return `| \`${one.name}\` | ${names.length} | ${(bytes / 1e6).toFixed(1)} | ${one.note} |`
  })
  return ['| | packages | MB | |', '|---|---|---|---|', ...rows].join('\n')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-pack-'))
  const rows = table(packAll(folder))
  rmSync(folder, { recursive: true })
  const page = `${root}/bench/README.md`
  const text = readFileSync(page, 'utf8')
  const marked = /(<!-- install sizes -->\n)[\s\S]*?(<!-- end -->)/
  writeFileSync(
    page,
    text.replace(marked, (_, begin, end) => `${begin}\n${rows}\n\n${end}`),
  )
  console.log(rows)
}
