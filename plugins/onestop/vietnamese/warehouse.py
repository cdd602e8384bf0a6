"""The warehouse on either engine, its schema, disks and memory."""

from __future__ import annotations

SENTENCES: dict[str, str] = {
    "use duckdb:///… or postgresql://…": "dùng duckdb:///… hoặc postgresql://…",
    "no engine for {scheme!r} addresses": "không có hệ quản trị nào cho địa chỉ {scheme!r}",
    # schema
    "the warehouse has schema {found}, made by a newer release; this one knows schemas up to"
    " {known}": (
        "kho dữ liệu có cấu trúc {found} của một phiên bản mới hơn; phiên bản này chỉ biết đến"
        " cấu trúc {known}"
    ),
    "install the newer release, or restore a backup from before the upgrade": (
        "cài phiên bản mới hơn, hoặc khôi phục bản sao lưu trước khi nâng cấp"
    ),
    "is not what it was when it was applied to this warehouse (as {file_name}, sha-256 {before},"
    " now {now})": (
        "không còn như khi được áp dụng cho kho dữ liệu này (là {file_name}, sha-256 {before}, nay"
        " là {now})"
    ),
    "put it back as it was released, and make the change in a new file with the next number": (
        "trả lại tệp như khi phát hành, và thay đổi trong một tệp mới mang số tiếp theo"
    ),
    "could not be applied: {cause}. Nothing of it is in the warehouse, which keeps schema"
    " {version} and works with the release that made it": (
        "không áp dụng được: {cause}. Không phần nào của tệp có trong kho dữ liệu; kho giữ cấu"
        " trúc {version} và dùng được với phiên bản đã tạo ra nó"
    ),
    "remove the cause and run `onestop migrate`": "khắc phục nguyên nhân rồi chạy `onestop"
    " migrate`",
    "{names}: the record keeps every column with its type": (
        "{names}: sổ gốc giữ mọi cột với kiểu của nó"
    ),
    "leave it in feeds.py as it is, and add a column with another name": (
        "giữ nguyên cột ấy trong feeds.py, và thêm cột mang tên khác"
    ),
    "the warehouse has schema {version} and this release needs {needed}": (
        "kho dữ liệu có cấu trúc {version}, phiên bản này cần {needed}"
    ),
    "run `onestop migrate` with a login that may take the role {owner}": (
        "chạy `onestop migrate` bằng tài khoản được nhận vai trò {owner}"
    ),
    # opening, writing
    "there is no warehouse at {path}": "không có kho dữ liệu tại {path}",
    "there is no warehouse in the database {name}": (
        "cơ sở dữ liệu {name} không có kho dữ liệu nào"
    ),
    "there is a warehouse already": "đã có kho dữ liệu ở đó",
    "move it away, or set ONESTOP_WAREHOUSE to another file": (
        "chuyển nó đi, hoặc đặt ONESTOP_WAREHOUSE là tệp khác"
    ),
    "the database holds a warehouse already": "cơ sở dữ liệu đã có kho dữ liệu",
    "restore into a new, empty database": "khôi phục vào một cơ sở dữ liệu mới, còn trống",
    "the warehouse cannot be used: {cause}; the step was rolled back": (
        "không dùng được kho dữ liệu: {cause}; bước này đã được hoàn tác"
    ),
    "remove the cause and run it again": "khắc phục nguyên nhân rồi chạy lại",
    "set ONESTOP_MEMORY, now {amount}, to more, and run it again": (
        "đặt ONESTOP_MEMORY, hiện là {amount}, lớn hơn rồi chạy lại"
    ),
    "run it again": "chạy lại",
    "another process still has the warehouse open after {wait_seconds:.0f} s": (
        "sau {wait_seconds:.0f} giây vẫn có tiến trình khác mở kho dữ liệu"
    ),
    "this process has the file open with other settings": (
        "chính tiến trình này đang mở tệp với cài đặt khác"
    ),
    "close that connection first (of SQLAlchemy: engine.dispose())": (
        "hãy đóng kết nối ấy trước (của SQLAlchemy: engine.dispose())"
    ),
    "another process is still writing the warehouse after {wait_seconds} s": (
        "sau {wait_seconds} giây vẫn có tiến trình khác ghi kho dữ liệu"
    ),
    "wait for that night to end or stop it, then run again": (
        "chờ đêm ấy chạy xong hoặc dừng nó, rồi chạy lại"
    ),
    "what was read back of the readers' copy is not what was written; the one before stays in"
    " place": (
        "bản sao cho người đọc khi đọc lại không giống lúc ghi; bản trước vẫn được giữ nguyên"
    ),
    "check the disk of {parent}, then publish again": (
        "kiểm tra ổ đĩa của {parent}, rồi công bố lại"
    ),
    "{amount} is no amount of memory": "{amount} không phải là dung lượng bộ nhớ",
    "{number} is no number of threads": "{number} không phải là số luồng",
    "write a number from 1 to 999, or leave it empty for all processors": (
        "viết một số từ 1 đến 999, hoặc để trống để dùng mọi bộ xử lý"
    ),
    "write a number and a unit, such as 800MB or 2GB": "viết số và đơn vị, như 800MB hoặc 2GB",
    # disks
    "no limit of its own": "không có giới hạn riêng",
    "the disk is full: {room} are free and {size} are needed": (
        "ổ đĩa đầy: còn trống {room}, cần {size}"
    ),
    "the disk is full: {room} are free, not counting the unfinished file": (
        "ổ đĩa đầy: còn trống {room}, không kể phần đang ghi dở"
    ),
    "make room there, or raise the quota, and run it again": (
        "dọn chỗ ở đó, hoặc nâng hạn mức, rồi chạy lại"
    ),
    # PostgreSQL
    "{tool} is not installed": "chưa cài {tool}",
    "install PostgreSQL's client programs of the server's version or newer (Debian:"
    " postgresql-client)": (
        "cài các chương trình khách của PostgreSQL, phiên bản bằng hoặc mới hơn máy chủ (Debian:"
        " postgresql-client)"
    ),
    "{tool} failed: {reason}": "{tool} thất bại: {reason}",
    "the roles of the warehouse could not be created ({reason})": (
        "không tạo được các vai trò của kho dữ liệu ({reason})"
    ),
    "restore with an administrator's login": "khôi phục bằng tài khoản quản trị",
    "the warehouse is on PostgreSQL {version}": "kho dữ liệu nằm trên PostgreSQL {version}",
    "{oldest} or newer is needed": "cần {oldest} hoặc mới hơn",
    "the database {name}": "cơ sở dữ liệu {name}",
    "must hold UTF-8 and sort text by its bytes, as the embedded warehouse does": (
        "phải dùng UTF-8 và xếp văn bản theo byte, như kho dữ liệu nhúng"
    ),
    "make it with: create database … template template0 encoding 'UTF8' locale_provider builtin"
    " builtin_locale 'C.UTF-8'": (
        "tạo bằng: create database … template template0 encoding 'UTF8' locale_provider builtin"
        " builtin_locale 'C.UTF-8'"
    ),
    "is not an address that PostgreSQL understands": "không phải là địa chỉ PostgreSQL hiểu được",
    "write it as postgresql://login@host:5432/database": (
        "viết như postgresql://login@host:5432/database"
    ),
    "the PostgreSQL warehouse cannot be reached: {cause}": (
        "không kết nối được kho dữ liệu PostgreSQL: {cause}"
    ),
    "check that the server is up, and the address in ONESTOP_WAREHOUSE (in Airflow: in the"
    " Connection onestop_warehouse)": (
        "kiểm tra máy chủ có chạy không, và địa chỉ trong ONESTOP_WAREHOUSE (trong Airflow:"
        " Connection onestop_warehouse)"
    ),
    "the login may not write the warehouse ({cause})": (
        "tài khoản không được ghi kho dữ liệu ({cause})"
    ),
    "use a login that has the role {pipeline}": "dùng tài khoản có vai trò {pipeline}",
    "the login lacks a right: {cause}": "tài khoản thiếu một quyền: {cause}",
    "the README says which role has which rights": "README nêu vai trò nào có quyền gì",
    "drop that view, run the step again, and create the view again": (
        "bỏ view ấy, chạy lại bước này, rồi tạo lại view"
    ),
    "a table could not be changed: {cause}; another session holds it (pg_stat_activity shows"
    " which)": (
        "không sửa được một bảng: {cause}; phiên khác đang giữ nó (pg_stat_activity cho biết phiên"
        " nào)"
    ),
    "end that session and run the step again": "kết thúc phiên ấy rồi chạy lại bước này",
    "the writer's lock was lost ({cause}): another process may be writing the warehouse; the step"
    " was rolled back": (
        "đã mất khóa ghi ({cause}): có thể tiến trình khác đang ghi kho dữ liệu; bước này đã được"
        " hoàn tác"
    ),
    "the connection to the warehouse broke: {cause}; the step was rolled back": (
        "kết nối tới kho dữ liệu bị đứt: {cause}; bước này đã được hoàn tác"
    ),
    # Apache Spark
    "{address} is no address of Apache Spark": "{address} không phải là địa chỉ Apache Spark",
    "write local[2], local[*], spark://host:7077 or sc://host:15002, or unset it: the warehouse's"
    " engine computes then": (
        "viết local[2], local[*], spark://host:7077 hoặc sc://host:15002, hoặc bỏ biến này: khi đó"
        " hệ quản trị của kho dữ liệu tính"
    ),
    "is not set, and the landing is on object storage": (
        "chưa được đặt, mà landing nằm trên kho đối tượng"
    ),
    "set it to a folder that this machine and Spark's workers share": (
        "đặt biến này là thư mục mà máy này và các máy của Spark dùng chung"
    ),
    "the record as Parquet: {written} of {files} of {table} were written": (
        "sổ gốc dưới dạng Parquet: đã ghi {written} trong {files} của {table}"
    ),
    "{file} is damaged; it is written again from the warehouse": (
        "{file} bị hỏng; tệp được ghi lại từ kho dữ liệu"
    ),
    "{workers} workers at {address}; in another terminal: {command}": (
        "{workers} tiến trình worker tại {address}; ở một terminal khác: {command}"
    ),
    "Ctrl-C ends them": "Ctrl-C để kết thúc",
    "of {rows} rows of {name} that Spark wrote, this machine sees {found}": (
        "trong {rows} dòng của {name} mà Spark đã ghi, máy này chỉ thấy {found}"
    ),
    "see its log; run the night again, or unset ONESTOP_COMPUTE: the warehouse's engine counts the"
    " same figures": (
        "xem nhật ký của nó; chạy lại đêm, hoặc bỏ ONESTOP_COMPUTE: hệ quản trị của kho dữ"
        " liệu tính"
        " ra cùng số liệu"
    ),
    "Apache Spark could not count mart.{mart}: {cause}": (
        "Apache Spark không tính được mart.{mart}: {cause}"
    ),
    "Apache Spark does not start: {cause}": "Apache Spark không khởi động được: {cause}",
    "see its messages above; `onestop doctor` checks what it needs": (
        "xem các thông báo của nó ở trên; `onestop doctor` kiểm tra những gì nó cần"
    ),
    "the Spark master did not start within {seconds:.0f} s": (
        "Spark master không khởi động trong {seconds:.0f} giây"
    ),
    "its log is {log}": "nhật ký của nó là {log}",
    "{part} may have to round, which Spark does not": (
        "{part} có thể phải làm tròn, điều Spark không làm"
    ),
    "take floor() of it, or add the form to onestop/spark/dialect.py": (
        "lấy floor() của nó, hoặc thêm dạng ấy vào onestop/spark/dialect.py"
    ),
    "{part} is not the same on all engines": "{part} không cho cùng giá trị trên mọi hệ quản trị",
    "use year, month, day, hour, minute, epoch or floor(extract(second from …))": (
        "dùng year, month, day, hour, minute, epoch hoặc floor(extract(second from …))"
    ),
    "{part} has no order": "{part} không có thứ tự",
    "add order by": "thêm order by",
    "correct it": "hãy sửa",
}
