import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmdirSync, symlinkSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The commit of the last release, which runs beside today's while servers are replaced one by one. */
const commit = 'bd8f6a7230df4730cdc153c36e97ddc816484a5f'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** The build of the release before this one, where it can be had. */
export interface PreviousRelease {
  /** Empty, or the words that tell in a test's title why it is skipped. */
  readonly away: string
  /** Its folder; the packages in it are built. */
  readonly root: string
}

/** Builds the release before this one from the history, once; in the long tier only, since it takes a minute. */
export function previousRelease(): PreviousRelease {
  // Not in node_modules, where TypeScript takes sources for those of others.
  const folder = join(tmpdir(), `countersign-release-${commit}-${userInfo().uid}`)
  if (process.env['COUNTERSIGN_LONG'] !== '1') return { away: ' (skipped: runs in the long tier)', root: folder }
  if (!existsSync(folder)) {
    if (spawnSync('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: root }).status !== 0)
      return { away: ` (skipped: commit ${commit.slice(0, 7)} is not in this clone; fetch its history)`, root: folder }
    alone(`${folder}.lock`, () => existsSync(folder) || build(folder))
  }
  return { away: '', root: folder }
}

/** Two workers that need the build at once make one. */
function alone(lock: string, make: () => void): void {
  for (const end = Date.now() + 300_000; ; ) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      // A lock of a run that was killed.
      if (Date.now() > end) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
    }
  }
  try {
    make()
  } finally {
    rmdirSync(lock)
  }
}

function build(folder: string): void {
  const making = mkdtempSync(`${folder}-`)
  const archive = execFileSync('git', ['archive', commit, 'packages', 'requirements', 'tsconfig.base.json'], {
    cwd: root,
    maxBuffer: 256 * 1024 * 1024,
  })
  execFileSync('tar', ['-x', '-C', making], { input: archive })
  linkModules(making)
  execFileSync(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-b', 'packages/auth-server', 'packages/agent-server'],
    {
      cwd: making,
    },
  )
  renameSync(making, folder)
}

/** The packages of others are those installed here; its own are its own. */
function linkModules(making: string): void {
  const modules = join(making, 'node_modules')
  mkdirSync(join(modules, '@countersign'), { recursive: true })
  for (const name of readdirSync(join(root, 'node_modules')))
    if (name !== '@countersign' && name !== '.cache') symlinkSync(join(root, 'node_modules', name), join(modules, name))
  for (const name of readdirSync(join(making, 'packages')))
    symlinkSync(`../../packages/${name}`, join(modules, '@countersign', name))
  symlinkSync('../../requirements', join(modules, '@countersign/requirements'))
}
