import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The platform and environment of a process. */
export interface Machine {
  readonly platform: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/**
 * Whether a browser can be started where its user sees it. Checked before it is tried, since the program that opens a browser
 * also starts without a screen, and does not report that.
 */
export function isBrowserThere({ platform, env }: Machine, isFile: (path: string) => boolean = existsSync): boolean {
  const has = (name: string): boolean => (env[name] ?? '') !== ''
  // A user who came over SSH does not see the screen of this machine.
  if (platform === 'darwin' || platform === 'win32') return !has('SSH_CONNECTION')
  // A remote editor sets BROWSER to its own program, which opens pages on the user's machine.
  const hasScreen = ['DISPLAY', 'WAYLAND_DISPLAY', 'BROWSER'].some(has)
  return hasScreen && (env['PATH'] ?? '').split(delimiter).some(folder => isFile(join(folder, 'xdg-open')))
}
