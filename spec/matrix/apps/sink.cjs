exports.sink = {
  emit: (records) => records.forEach((record) => process.stdout.write(`${JSON.stringify(record)}\n`)),
};
