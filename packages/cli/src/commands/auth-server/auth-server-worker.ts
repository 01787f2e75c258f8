import { jsonLog } from '@countersign/server'
import type { Opened } from '../../server/closing-on-failure.js'
import { metricsOfWorker } from '../../server/metrics.js'
import { prepareProcess } from '../../server/participant.js'
import { certificateOf } from '../../server/tls.js'
import { work } from '../../workers/worker.js'
import type { AuthServerSettings } from './auth-server-options.js'
import { serveAuthServer } from './serve-auth-server.js'

/** One of the processes of `countersign auth-server --workers`: serves with the settings that the first process has read. */
export async function authServerWorker(opened: Opened): Promise<void> {
  const log = jsonLog({ name: 'auth-server', together: true })
  await work<AuthServerSettings>(log, async ({ settings, start }) => {
    prepareProcess(settings)
    const metrics = await metricsOfWorker(settings)
    // Signals come to all processes of a terminal or service: the first process says what they mean.
    const how = { log, metrics, opened, start, signals: false, announce: () => undefined }
    const { running, prepare } = await serveAuthServer(settings, how)
    return {
      url: running.url,
      close: running.close,
      readMetrics: metrics.read,
      async prepare(next) {
        const certificate = certificateOf(next)
        const { commit, abort } = await prepare(next)
        return {
          abort,
          commit() {
            commit()
            if (certificate !== undefined) running.setCertificate(certificate)
          },
        }
      },
    }
  })
}
