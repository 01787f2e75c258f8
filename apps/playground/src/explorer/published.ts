import { behindTheScenes } from '../behind-the-scenes.js'
import type { Party, Published } from './contract.js'

/** Most characters shown of a document. */
const longest = 64 * 1024

/** What a party publishes now: its metadata, and the keys that those name. */
export async function publishedBy({ documents }: Party): Promise<Published[]> {
  const metadata = await Promise.all(documents.map(({ name, url }) => read(name, url)))
  const keys = [...new Set(metadata.flatMap(({ text }) => keysUrlIn(text)))]
  return [...metadata, ...(await Promise.all(keys.map(url => read('keys', url))))]
}

function keysUrlIn(text: string): string[] {
  try {
    const { jwks_uri: url } = Object(JSON.parse(text)) as { readonly jwks_uri?: unknown }
    return typeof url === 'string' ? [url] : []
  } catch {
    return []
  }
}

async function read(name: string, url: string): Promise<Published> {
  try {
    const headers = { 'user-agent': behindTheScenes }
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(3000) })
    const text = (await response.text()).slice(0, longest)
    return { name, url, status: response.status, text: response.ok ? JSON.stringify(JSON.parse(text), null, 2) : text }
  } catch {
    return { name, url, text: 'It does not answer: its process may not be running.' }
  }
}
