import { Agent, request } from 'node:http'
import type { MeasuredProcess } from './measured-process.js'

/** One request, ready to be sent. */
export interface Ready {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/** What a round of requests cost. */
export interface Load {
  /** Microseconds of the server's CPU per request. */
  readonly cpu: number
  /** Requests per second. */
  readonly rate: number
}

function send(agent: Agent, port: number, { path, headers, body }: Ready): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const sent = request({ agent, port, host: '127.0.0.1', method: 'POST', path, headers }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        text += chunk
      })
      response.on('end', () => {
        if (response.statusCode === 200) resolve(JSON.parse(text))
        else reject(new Error(`status ${response.statusCode}: ${text.slice(0, 500)}`))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Sends requests that were made before, over so many connections that stay open. */
export async function load(
  server: MeasuredProcess,
  ready: readonly Ready[],
  connections: number,
): Promise<Load & { readonly answers: ReadonlyArray<Record<string, unknown>> }> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const answers: Array<Record<string, unknown>> = []
  let next = 0
  const lane = async (): Promise<void> => {
    for (let one = ready[next++]; one !== undefined; one = ready[next++])
      answers.push(await send(agent, server.port, one))
  }
  const cpu = await server.cpu()
  const start = performance.now()
  await Promise.all(Array.from({ length: connections }, lane))
  const seconds = (performance.now() - start) / 1000
  const used = (await server.cpu()) - cpu
  agent.destroy()
  return { cpu: used / ready.length, rate: ready.length / seconds, answers }
}
