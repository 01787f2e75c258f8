import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/**
 * What a process does: `share` writes and counts, `hold` begins a task that never ends; `race` counts by the bare lock of
 * writes alone, `seize` takes that lock and keeps it.
 */
export type ChildMode = 'share' | 'hold' | 'race' | 'seize'

const loader = `
import { runnerImport } from 'vite'
const conditions = ['@countersign/source', 'node', 'module', 'default']
await runnerImport(process.env.CHILD, {
  configFile: false, root: process.env.ROOT, resolve: { conditions }, ssr: { resolve: { conditions } },
})`

/** Another process that shares a state file, from its source. */
export function startSharer(mode: ChildMode, file: string, name: string, count: number): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-', mode, file, name, String(count)], {
    cwd: fileURLToPath(new URL('../../../..', import.meta.url)),
    env: {
      ...process.env,
      CHILD: fileURLToPath(new URL('./file-state.test.child.ts', import.meta.url)),
      ROOT: fileURLToPath(new URL('..', import.meta.url)),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin?.end(loader)
  return child
}

export async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  return child.exitCode
}
