import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lastRelease } from '../../../scripts/changelog.mjs'

const root = fileURLToPath(new URL('../../..', import.meta.url))

/** The build of the release before this one, where it can be had. */
export interface PreviousRelease {
  /** Empty, or the words that tell in a test's title why it is skipped. */
  readonly away: string
  /** Its folder, in which the command and all that it imports are built. */
  readonly root: string
}

/**
 * Builds the last release of CHANGELOG.md from the history, with the packages of its own lock file; once for each
 * checkout, and in the long tier only, since it takes a minute.
 */
export function previousRelease(): PreviousRelease {
  const { commit, version } = lastRelease()
  // Not in node_modules, where the compiler takes no sources.
  const folder = join(root, '.countersign/releases', commit)
  if (process.env['COUNTERSIGN_LONG'] !== '1') return { away: ' (skipped: runs in the long tier)', root: folder }
  const command = join(folder, 'packages/cli/dist/index.js')
  if (!existsSync(command)) {
    if (spawnSync('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: root }).status !== 0)
      return { away: ` (skipped: the commit of ${version} is not in this clone; fetch its history)`, root: folder }
    mkdirSync(dirname(folder), { recursive: true })
    alone(`${folder}.lock`, () => existsSync(command) || build(commit, folder))
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

function build(commit: string, folder: string): void {
  const making = mkdtempSync(`${folder}-`)
  const sources = execFileSync('git', ['archive', commit], { cwd: root, maxBuffer: 256 * 1024 * 1024 })
  execFileSync('tar', ['-x', '-C', making], { input: sources })
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--silent'], {
    cwd: making,
  })
  const compiler = join(making, 'node_modules/typescript/bin/tsc')
  execFileSync(process.execPath, [compiler, '-b', 'packages/cli'], { cwd: making })
  // One of an earlier checkout, which lacked the command.
  rmSync(folder, { recursive: true, force: true })
  renameSync(making, folder)
}
