import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

// Tests run the command as it is published: a bundle, which starts in a third of the CPU that its modules take one by one.

const root = fileURLToPath(new URL('..', import.meta.url))
/** Within the checkout, where the bundle finds the packages that stay outside of it. */
const cache = join(root, 'node_modules/.cache/countersign')
const oneDay = 86_400_000

/**
 * Before a run: bundles what the compiler wrote last, unless it is there already, and names its file in `COUNTERSIGN_COMMAND`. Where that
 * is set, tests run the command that it names; where nothing is built, none is named.
 */
export default async function nameCommand(): Promise<void> {
  if (process.env['COUNTERSIGN_COMMAND'] !== undefined) return
  if (!existsSync(join(root, 'packages/cli/dist/start.js'))) return
  const folder = join(cache, `command-${fingerprint(inputs())}`)
  if (!existsSync(folder)) await bundleInto(folder)
  process.env['COUNTERSIGN_COMMAND'] = join(folder, 'bin/countersign.js')
}

/** The files that tell one bundle from another: what the compiler says of each package, what is copied, the locked libraries, and what bundles. */
function inputs(): string[] {
  const built = ['packages', 'apps'].flatMap(rooms =>
    readdirSync(join(root, rooms)).map(name => join(root, rooms, name, 'dist/.tsbuildinfo')),
  )
  const assets = join(root, 'packages/console/assets')
  const copied = readdirSync(assets, { recursive: true, withFileTypes: true })
    .filter(one => one.isFile())
    .map(one => join(one.parentPath, one.name))
  const others = [
    'package-lock.json',
    'scripts/bundle.mjs',
    'packages/cli/package.json',
    'packages/cli/bin/countersign.js',
  ]
  return [...built.filter(existsSync), ...copied.sort(), ...others.map(name => join(root, name))]
}

function fingerprint(files: readonly string[]): string {
  const hash = createHash('sha256')
  for (const file of files) hash.update(`${file}\n`).update(readFileSync(file)).update('\n')
  return hash.digest('hex').slice(0, 32)
}

/** Bundles beside the folder and renames, since another run may do the same. Removes the bundles of earlier days. */
async function bundleInto(folder: string): Promise<void> {
  const { bundleCommand } = await import('../scripts/bundle.mjs')
  mkdirSync(cache, { recursive: true })
  for (const name of readdirSync(cache).filter(one => one.startsWith('command-'))) {
    const old = join(cache, name)
    if (Date.now() - statSync(old).mtimeMs > oneDay) rmSync(old, { recursive: true, force: true })
  }
  const made = mkdtempSync(`${folder}-`)
  await bundleCommand(made)
  try {
    renameSync(made, folder)
  } catch (error) {
    rmSync(made, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
}
