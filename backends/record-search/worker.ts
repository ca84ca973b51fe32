/** The thread that records are noted and found on, so that neither holds up a request or a journal. */
import { parentPort, workerData } from 'node:worker_threads'
import { Finding } from './finding.js'
import { openSearchFile, removeSearchFile } from './file.js'
import type { SearchMessage, SearchReply } from './messages.js'
import { Noting } from './noting.js'

const port = parentPort
if (port === null) throw new Error('this is the thread of a search, not a program')
const { file } = workerData as { file: string }
let opened = open()

function open() {
  const database = openSearchFile(file)
  return { database, noting: new Noting(database), finding: new Finding(database) }
}

function answerTo(message: SearchMessage): unknown {
  const { noting, finding, database } = opened
  switch (message.kind) {
    case 'known':
      return noting.known()
    case 'note':
      noting.note(message.repository, message.records)
      return undefined
    case 'end-round':
      noting.endRound()
      return undefined
    case 'find':
      return finding.find(message.question)
    case 'snapshots':
      return finding.snapshots(message.repository)
    case 'begin-anew':
      database.close()
      removeSearchFile(file)
      opened = open()
      return undefined
    case 'close':
      database.close()
      return undefined
  }
}

port.on('message', (message: SearchMessage & { readonly id: number }) => {
  let reply: SearchReply
  try {
    reply = { id: message.id, answer: answerTo(message) }
  } catch (error) {
    reply = { id: message.id, fault: error instanceof Error ? error.message : String(error) }
  }
  port.postMessage(reply)
  if (message.kind === 'close') port.close()
})
