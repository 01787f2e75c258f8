import type { Progress } from '../case/run.js'

/** One line of a terminal that says how far a run is. */
export interface ProgressLine {
  show(progress: Progress): void
  /** Takes the line away, before something else is printed. */
  clear(): void
}

/** What takes the line of a terminal away. */
const eraseLine = '\r\x1b[K'

/** Opens the line. It is gone once the run has ended. */
export function openProgressLine(terminal: { readonly columns?: number; write(text: string): unknown }): ProgressLine {
  const clear = (): void => void terminal.write(eraseLine)
  return {
    clear,
    show(progress) {
      if (progress.done === progress.total) return clear()
      // A line of the whole width would begin the next one on some terminals.
      terminal.write(`${eraseLine}${progressWords(progress).slice(0, (terminal.columns ?? 80) - 1)}`)
    },
  }
}

function progressWords({ done, total, running }: Progress): string {
  const [first, ...others] = running
  const more = others.length === 0 ? '' : ` and ${others.length} more`
  return `${done} of ${total} cases${first === undefined ? '' : `, now ${first}${more}`}`
}
