// hmserve run brotli.json -- node worker.mjs
import { createInterface } from 'node:readline';
import { bytes } from './compress.mjs';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => (await lines.next()).value;

for (let line; (line = await next())?.startsWith('Request'); ) {
  const names = await next();
  const reply = [`${names},Bytes`];
  for (let count = Number(line.split(' ')[1]); count > 0; count--) {
    const row = await next();
    const cells = row.split(',');
    const trial = Object.fromEntries(names.split(',').map((name, k) => [name, cells[k]]));
    reply.push(`${row},${await bytes(trial)}`);
  }
  process.stdout.write(`${reply.join('\n')}\n`);
}
