import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../processes.fixture.js'

/** Runs `npm run mutants` with these flags. */
export function mutants(...flags: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  return new Promise(resolve => {
    const script = join(root, 'scripts/mutants.mjs')
    execFile(process.execPath, [script, ...flags], { cwd: root }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, stdout, stderr }),
    )
  })
}
