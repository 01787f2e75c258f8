import { expect, test } from 'vitest'
import { openProgressLine } from './progress-line.js'

/** A terminal of so many columns, and the line that it shows. */
function terminal(columns: number): { columns: number; write(text: string): void; shown(): string } {
  let line = ''
  return {
    columns,
    write(text) {
      line = (line + text).split('\r\x1b[K').at(-1) ?? ''
    },
    shown: () => line,
  }
}

test('one line says how many cases have ended, and what runs', () => {
  const screen = terminal(80)
  const line = openProgressLine(screen)
  line.show({ done: 3, total: 402, running: ['COV-04'] })
  expect(screen.shown()).toBe('3 of 402 cases, now COV-04')
  line.show({ done: 4, total: 402, running: ['CLI-01', 'CLI-02', 'CLI-03'] })
  expect(screen.shown()).toBe('4 of 402 cases, now CLI-01 and 2 more')
  line.show({ done: 5, total: 402, running: [] })
  expect(screen.shown()).toBe('5 of 402 cases')
  line.clear()
  expect(screen.shown()).toBe('')
})

test('it never fills the line, and is gone at the end', () => {
  const screen = terminal(20)
  const line = openProgressLine(screen)
  line.show({ done: 3, total: 402, running: ['resource-token-endpoint.answer'] })
  expect(screen.shown()).toBe('3 of 402 cases, now')
  line.show({ done: 402, total: 402, running: [] })
  expect(screen.shown()).toBe('')
})
