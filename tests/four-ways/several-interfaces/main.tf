# An instance with an interface in each of two ranges of its VPC, an Elastic IP, and a prefix list in a rule and in a route.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = "us-east-1"
}

resource "aws_vpc" "net" {
  cidr_block = "10.4.0.0/16"
  tags       = { Name = "net" }
}

resource "aws_vpc_ipv4_cidr_block_association" "more" {
  vpc_id     = aws_vpc.net.id
  cidr_block = "10.5.0.0/16"
}

resource "aws_internet_gateway" "igw" {
  vpc_id = aws_vpc.net.id
}

resource "aws_subnet" "outer" {
  vpc_id            = aws_vpc.net.id
  cidr_block        = "10.4.1.0/24"
  availability_zone = "us-east-1a"
  tags              = { Name = "outer" }
}

resource "aws_subnet" "inner" {
  vpc_id            = aws_vpc_ipv4_cidr_block_association.more.vpc_id
  cidr_block        = "10.5.1.0/24"
  availability_zone = "us-east-1a"
  tags              = { Name = "inner" }
}

resource "aws_ec2_managed_prefix_list" "offices" {
  name           = "offices"
  address_family = "IPv4"
  max_entries    = 5

  dynamic "entry" {
    for_each = ["198.51.100.0/24", "203.0.113.0/24"]
    content {
      cidr = entry.value
    }
  }
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.net.id
}

resource "aws_route" "out" {
  route_table_id             = aws_route_table.public.id
  destination_prefix_list_id = aws_ec2_managed_prefix_list.offices.id
  gateway_id                 = aws_internet_gateway.igw.id
}

resource "aws_route_table_association" "outer" {
  subnet_id      = aws_subnet.outer.id
  route_table_id = aws_route_table.public.id
}

resource "aws_security_group" "ssh" {
  name   = "ssh"
  vpc_id = aws_vpc.net.id
}

resource "aws_security_group" "api" {
  name   = "api"
  vpc_id = aws_vpc.net.id

  ingress {
    protocol    = "tcp"
    from_port   = 8080
    to_port     = 8080
    cidr_blocks = ["10.5.0.0/16"]
  }
  ingress {
    protocol        = "tcp"
    from_port       = 80
    to_port         = 80
    security_groups = [aws_security_group.ssh.id]
  }
  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["10.0.0.0/8"]
  }
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  security_group_id = aws_security_group.ssh.id
  prefix_list_id    = aws_ec2_managed_prefix_list.offices.id
  ip_protocol       = "tcp"
  from_port         = 22
  to_port           = 22
}

resource "aws_vpc_security_group_egress_rule" "ssh" {
  security_group_id = aws_security_group.ssh.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_instance" "both" {
  subnet_id              = aws_subnet.outer.id
  private_ip             = "10.4.1.10"
  vpc_security_group_ids = [aws_security_group.ssh.id]
  tags                   = { Name = "both" }
}

resource "aws_network_interface" "second" {
  subnet_id       = aws_subnet.inner.id
  private_ips     = ["10.5.1.10"]
  security_groups = [aws_security_group.api.id]
}

resource "aws_network_interface_attachment" "second" {
  instance_id          = aws_instance.both.id
  network_interface_id = aws_network_interface.second.id
  device_index         = 1
}

resource "aws_eip" "front" {
  domain   = "vpc"
  instance = aws_instance.both.id
}

resource "aws_instance" "peer" {
  subnet_id              = aws_subnet.inner.id
  private_ip             = "10.5.1.20"
  source_dest_check      = false
  vpc_security_group_ids = [aws_security_group.api.id, aws_security_group.ssh.id]
  tags                   = { Name = "peer" }
}
