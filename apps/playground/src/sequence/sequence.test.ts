import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { curlOf } from './curl.js'
import { harOf } from './har.js'
import { markdownOf } from './markdown.js'
import { lanesOf, levelOf, rowsOf } from './rows.js'
import { message, parties } from './sequence.test.fixture.js'
import { sequenceText } from './text.js'

const reads = [2, 3].map(id => message(id, { kind: 'discovery', from: 'calendar', to: 'agent-server' }))

describe('rows', () => {
  test('reads of metadata and keys in a row are folded, and numbers count every message', () => {
    const rows = rowsOf([message(1), ...reads, message(4)])
    expect(rows.map(row => (row.kind === 'step' ? row.step.number : row.steps.map(({ number }) => number)))).toEqual([
      1,
      [2, 3],
      4,
    ])
  })

  test('a single read is a row of its own', () => {
    expect(rowsOf([message(1), ...reads.slice(0, 1)]).map(({ kind }) => kind)).toEqual(['step', 'step'])
  })

  test('a lane stands for each party that sends or receives, in the order of the list', () => {
    expect(lanesOf([message(1)], ['user', 'calendar', 'agent'])).toEqual(['calendar', 'agent'])
  })

  test('the level is what the signature claims', () => {
    const levels = [undefined, 'inline key', 'agent token', 'agent server (own key)', 'auth token']
    expect(levels.map(signer => levelOf(message(1, signer === undefined ? {} : { signer })))).toEqual([
      'anonymous',
      'pseudonymous',
      'identified',
      'identified',
      'authorized',
    ])
  })
})

describe('exports', () => {
  test('text has a sentence for each message, and one line for reads', () => {
    expect(sequenceText([message(1), ...reads], parties)).toEqual([
      '    1  Agent    → Calendar  200  GET /agenda',
      '                                 Step 1.',
      '       … 2 reads of metadata and keys: Calendar of agent-server',
    ])
  })

  test('HAR has every header and body, and the moment of arrival', () => {
    const posted = message(1, {
      request: { method: 'POST', target: '/a?b=c', headers: [['content-type', 'text/plain']], body: 'é' },
    })
    expect(harOf([posted], parties)).toMatchObject({
      log: {
        version: '1.2',
        entries: [
          {
            startedDateTime: '2027-01-15T08:00:01.000Z',
            request: {
              method: 'POST',
              url: 'http://localhost:4130/a?b=c',
              bodySize: 2,
              queryString: [{ name: 'b', value: 'c' }],
              postData: { mimeType: 'text/plain', text: 'é' },
            },
            response: { status: 200, content: { size: 2, text: '{}' } },
          },
        ],
      },
    })
  })

  test('Markdown has a Mermaid diagram, whose texts cannot end it', () => {
    const odd = message(1, { request: { method: 'GET', target: '/a;b#c', headers: [], body: '' } })
    const text = markdownOf({
      title: 'A story',
      messages: [odd, ...reads],
      checks: [{ title: 'x', ok: true }],
      parties,
    })
    expect(text.split('\n')).toEqual([
      '# A story',
      '',
      '```mermaid',
      'sequenceDiagram',
      '  participant agent as Agent',
      '  participant calendar as Calendar',
      '  agent-->>calendar: GET /a b c 200',
      '  Note over agent,calendar: 2 reads of metadata and keys',
      '```',
      '',
      '1. Step 1.',
      '2. Step 2.',
      '3. Step 3.',
      '',
      '- [x] x',
      '',
    ])
  })

  test('curl gets every byte through a shell, quotes and all', () => {
    const body = `it's "$HOME" \\ \n`
    const posted = message(1, { request: { method: 'POST', target: "/a?b='c'", headers: [['x-a', "d'e"]], body } })
    const shown = curlOf(posted, 'http://localhost:4130').replace(
      'curl',
      `node -e ${`'console.log(JSON.stringify(process.argv.slice(1)))'`} --`,
    )
    expect(JSON.parse(execFileSync('sh', ['-c', shown], { encoding: 'utf8' }))).toEqual([
      '--path-as-is',
      '-i',
      '-X',
      'POST',
      "http://localhost:4130/a?b='c'",
      '-H',
      "x-a: d'e",
      '--data-binary',
      body,
    ])
  })
})
