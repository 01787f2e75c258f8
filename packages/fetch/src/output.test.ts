import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test, vi } from 'vitest'
import { ControlsInBody, onOneLine, printable, printJson, writeBody } from './output.js'
import { shown } from './report.js'

const hostile = '\u001b[2J\u009b31m\u0007\u202e\u2028\r\0\u007fé\u0080'

describe('text for a terminal', () => {
  test('has no controls but line ends and tabs, and no characters that reverse it', () => {
    expect(printable(`a\tb\n${hostile}`)).toBe(
      'a\tb\n\\u001b[2J\\u009b31m\\u0007\\u202e\\u2028\\u000d\\u0000\\u007fé\\u0080',
    )
    expect(onOneLine('a\tb\nc')).toBe('a\\u0009b\\u000ac')
    expect(shown(hostile)).not.toMatch(/[^ -~é]/)
    expect(printable('plain: é 日本 🙂')).toBe('plain: é 日本 🙂')
  })

  test('is JSON still, with the same value', () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    printJson({ [hostile]: [hostile] }, 2)
    const [[text]] = log.mock.calls as [[string]]
    log.mockRestore()
    expect(text).not.toMatch(/(?!\n)[\p{Cc}\u202a-\u202e\u2028]/u)
    expect(JSON.parse(text)).toEqual({ [hostile]: [hostile] })
  })
})

/** Writes chunks to a terminal or elsewhere; what got there. */
async function written(isTTY: boolean, chunks: ReadonlyArray<string | readonly number[]>): Promise<string> {
  const got: Buffer[] = []
  const bytes = chunks.map(chunk =>
    typeof chunk === 'string' ? new TextEncoder().encode(chunk) : Uint8Array.from(chunk),
  )
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of bytes) controller.enqueue(chunk)
      controller.close()
    },
  })
  const output = {
    isTTY,
    write(chunk: Uint8Array, done: () => void) {
      got.push(Buffer.from(chunk))
      done()
    },
  }
  try {
    await writeBody(body, output)
    return Buffer.concat(got).toString('latin1')
  } catch (error) {
    if (!(error instanceof ControlsInBody)) throw error
    return `${Buffer.concat(got).toString('latin1')}[refused]`
  }
}

describe('a body', () => {
  test.each([
    ['an escape', ['a', '\u001b[2J', 'b']],
    ['a bell', ['a', '\u0007']],
    ['C1 of one character', ['a', '\u009b31m']],
    ['what turns text', ['a', '\u202egnp.exe']],
    ['bytes that are no UTF-8', ['a', [0x9b, 0x33, 0x31]]],
    ['a picture', ['a', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a]]],
    ['NUL', ['a', '\0']],
  ])('with %s goes to no terminal, and anywhere else as it is', async (_, chunks) => {
    expect(await written(true, chunks)).toBe('a[refused]')
    expect(await written(false, chunks)).toBe(
      Buffer.concat(chunks.map(chunk => Buffer.from(chunk as string))).toString('latin1'),
    )
  })

  test('with a control in two chunks goes to no terminal', async () => {
    expect(await written(true, ['a', [0xc2], [0x9b, 0x33]])).toMatch(/^a.?\[refused\]$/)
  })

  test('of text goes to a terminal as it arrives, also when a character is split over two chunks', async () => {
    const text = 'data: é\r\n\tx\n\n'
    expect(await written(true, [text])).toBe(Buffer.from(text).toString('latin1'))
    expect(await written(true, ['a', [0xc3], [0xa9]])).toBe('a\u00c3\u00a9')
  })
})

test('every command prints through functions that escape controls', () => {
  const packages = fileURLToPath(new URL('../../', import.meta.url))
  const raw = ['fetch', 'cli', 'mcp-bridge'].flatMap(name =>
    readdirSync(`${packages}${name}/src`, { recursive: true, encoding: 'utf8' })
      .filter(file => file.endsWith('.ts') && !/\.test\.|\.fixture\.|^output\.ts$/.test(file))
      .flatMap(file =>
        readFileSync(`${packages}${name}/src/${file}`, 'utf8')
          .split('\n')
          .filter(
            line => /\bconsole\.|\b(?:stdout|stderr|terminal)\.write\(/.test(line) && !line.includes('printable('),
          )
          .map(line => `${name}/${file}: ${line.trim()}`),
      ),
  )
  expect(raw).toEqual([
    // A line end and a script of our own, and a picture of blocks.
    "fetch/answer.ts: if (process.stdout.isTTY) process.stdout.write('\\n')",
    'fetch/completion.ts: process.stdout.write(completionScript(shell, await whole()))',
    expect.stringMatching(/^fetch\/interact\.ts: .*renderUnicodeCompact\(code\.verification_uri/),
  ])
})
