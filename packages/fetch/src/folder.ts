import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileFault } from './exit-of.js'
import { UsageError } from './usage-error.js'

/**
 * Makes a folder and its parents unless they exist. Node's `recursive` never ends in a folder that takes no others, such
 * as /proc.
 * @param readers who may read it: its owner only (0700), or `all` that the umask allows
 * @throws UsageError that names the folder and says why it cannot be made
 */
export function makeFolder(path: string, readers: 'owner' | 'all'): void {
  try {
    make(path, readers === 'owner' ? 0o700 : 0o777)
  } catch (error) {
    const why = fileFault(error)?.replace(/^cannot open .*: /, '') ?? String(Object(error).code ?? 'unknown')
    throw new UsageError(`cannot make the folder ${path}: ${why}`)
  }
}

function make(path: string, mode: number): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    const { code } = Object(error) as { readonly code?: unknown }
    if (code === 'EEXIST' && statSync(path).isDirectory()) return
    const above = dirname(path)
    if (code !== 'ENOENT' || above === path || existsSync(above)) throw error
    make(above, mode)
    mkdirSync(path, { mode })
  }
}
