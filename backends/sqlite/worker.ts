/** The journal's own thread: opens the file, and waits for the disk where nobody else has to. */
import { parentPort, workerData } from 'node:worker_threads'
import { giveUpPart } from '../reserve.js'
import { faultOf, toldFault } from './faults.js'
import { GroupCommit } from './group-commit.js'
import type { Question, Reply } from './messages.js'
import { closeDatabase, openDatabase } from './opening.js'
import { Statements } from './statements.js'

const port = parentPort
if (port === null) throw new Error('this is the thread of a journal, not a program')
const { file, reserve } = workerData as { file: string; reserve?: string }
const reply = (message: Reply): void => port.postMessage(message)

try {
  const opened = openDatabase(file)
  const group = new GroupCommit({
    statements: new Statements(opened.database, file),
    file,
    records: opened.records,
    noteRecords: (records) => opened.witness?.note(records),
    makeRoom: () => reserve !== undefined && giveUpPart(reserve),
    reply,
    close: () => closeDatabase(opened),
    end: () => port.close(),
  })
  port.on('message', (question: Question) => group.take(question))
  reply({ id: 0 })
} catch (error) {
  reply({ id: 0, fault: toldFault(faultOf(error, file)) })
}
